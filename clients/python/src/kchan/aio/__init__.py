# SPDX-License-Identifier: Apache-2.0
"""The same as kchan.Client, for asyncio.

    async with kchan.aio.Client("unix:/run/kchan/read.sock") as client:
        async with client.subscribe("exec") as subscription:
            async for item in subscription:
                print(item)
"""

from kchan.aio.client import Client
from kchan.aio.subscription import Subscription

__all__ = ["Client", "Subscription"]
