# SPDX-License-Identifier: Apache-2.0
"""What this tree's clients ask for and the release before does not know, and what they
make of its answer."""

from __future__ import annotations

import kchan


def test_of_one_operation_an_older_kchand_describes_the_whole_family(
    client: kchan.Client,
) -> None:
    described = client.netlink.describe("nlctrl", "3")
    assert [operation.number for operation in described.family.operations] == [3, 10]
    assert described.policies
