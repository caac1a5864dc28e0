// SPDX-License-Identifier: GPL-2.0
#include "extents.h"

#include <linux/minmax.h>
#include <linux/string.h>

/* at[first] and what follows it, up to before at[end], become at[first]. */
static void merge(struct kchan_extents *extents, u32 first, u32 end)
{
	struct kchan_extent *at = extents->at;

	at[first].end = max(at[first].end, at[end - 1].end);
	memmove(&at[first + 1], &at[end], (extents->count - end) * sizeof(*at));
	extents->count -= end - first - 1;
}

static void merge_closest(struct kchan_extents *extents)
{
	const struct kchan_extent *at = extents->at;
	u32 closest = 0;
	u32 i;

	for (i = 1; i + 1 < extents->count; i++) {
		if (at[i + 1].offset - at[i].end <
		    at[closest + 1].offset - at[closest].end)
			closest = i;
	}
	merge(extents, closest, closest + 2);
}

void kchan_extents_add(struct kchan_extents *extents, u64 offset, u64 length)
{
	const u64 end = offset + length;
	struct kchan_extent *at = extents->at;
	u32 first = 0, behind;

	while (first < extents->count && at[first].end < offset)
		first++;
	/* [first, behind) touch the new one. */
	for (behind = first; behind < extents->count; behind++) {
		if (at[behind].offset > end)
			break;
	}
	if (first == behind) {
		memmove(&at[first + 1], &at[first],
			(extents->count - first) * sizeof(*at));
		at[first] = (struct kchan_extent){ offset, end };
		extents->count++;
	} else {
		at[first].offset = min(at[first].offset, offset);
		merge(extents, first, behind);
		at[first].end = max(at[first].end, end);
	}
	if (extents->count > KCHAN_MAX_EXTENTS)
		merge_closest(extents);
}
