/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wake-up protocol of a ring (docs/ring_format.md): can the reader sleep on
 * a record or on a loss? Every interleaving, and every delay of a store in its
 * CPU's store buffer, of one writer, one reader and the irq_work between them.
 *
 * The writer makes ATTEMPTS attempts, each stored or lost. The reader must
 * account for all of them. A reader that sleeps for good is an invalid end
 * state, which is what the verifier looks for.
 *
 * Each barrier that the protocol names can be left out, to show that it is
 * needed: -DNO_PUBLISH_BARRIER, -DNO_LOSS_BARRIER, -DNO_ARM_BARRIER.
 */

#define ATTEMPTS 3

/* Memory, as all CPUs see it. */
byte published; /* producer_pos; one byte is one record */
byte lost;
byte wake_pos;
byte lost_seen;

/* What a CPU has stored and others do not see yet; in order (TSO). */
mtype = { PUBLISHED, LOST, WAKE_POS, LOST_SEEN };
chan writer_stores = [4] of { mtype, byte };
chan reader_stores = [4] of { mtype, byte };

bool wake_pending; /* irq_work queued */
bool queued;       /* the reader is on the wait queue */
bool woken;

/* A full barrier waits until others see all of one's stores. */
#define full_barrier(stores) empty(stores)

proctype StoreBuffer(chan stores)
{
	byte value;

end:	do
	:: atomic { stores?PUBLISHED(value) -> published = value }
	:: atomic { stores?LOST(value) -> lost = value }
	:: atomic { stores?WAKE_POS(value) -> wake_pos = value }
	:: atomic { stores?LOST_SEEN(value) -> lost_seen = value }
	od
}

/* irq_work: the wait queue's lock makes waking and queueing atomic. */
proctype IrqWork()
{
end:	do
	:: atomic {
		wake_pending ->
		wake_pending = false;
		if
		:: queued -> woken = true
		:: else
		fi
	   }
	od
}

proctype Writer()
{
	byte my_published, my_lost; /* private memory of the ring */
	byte seen, i;

	for (i : 1 .. ATTEMPTS) {
		if
		:: /* wake_if_reached() */
			my_published++;
			writer_stores!PUBLISHED(my_published);
#ifndef NO_PUBLISH_BARRIER
			full_barrier(writer_stores);
#endif
			seen = wake_pos;
			/* the step reached it: before < wake_pos <= now */
			if
			:: seen == my_published -> wake_pending = true
			:: else
			fi
		:: /* kchan_ring_count_lost() */
			my_lost++;
			writer_stores!LOST(my_lost);
#ifndef NO_LOSS_BARRIER
			full_barrier(writer_stores);
#endif
			seen = lost_seen;
			if
			:: seen == my_lost - 1 -> wake_pending = true
			:: else
			fi
		fi
	}
}

proctype Reader()
{
	byte position, accounted; /* records read, losses told */
	byte wanted;
	bool batch;

	do
	::	/* Drain(), ReportTailLoss(), Release() */
		position = published;
		accounted = lost;
		reader_stores!LOST_SEEN(accounted);
		/* Whoever has it all may sleep. */
		if
		:: position + accounted == ATTEMPTS -> break
		:: else
		fi;

		/* Arm(): the next record, or a batch */
		if
		:: batch = false; wanted = position + 1
		:: batch = true; wanted = position + 2
		fi;
		reader_stores!WAKE_POS(wanted);
#ifndef NO_ARM_BARRIER
		full_barrier(reader_stores);
#endif
		if
		:: published >= wanted -> skip
		:: else ->
			/* poll(): on the queue, then look; our own stores we
			 * see at once, buffered or not.
			 */
			atomic { queued = true; woken = false };
			if
			:: published >= wanted || lost != accounted -> skip
			:: else ->
				/* A batch has the reader's own timeout. */
				if
				:: woken
				:: batch
				fi
			fi;
			queued = false
		fi
	od
}

init
{
	atomic {
		run StoreBuffer(writer_stores);
		run StoreBuffer(reader_stores);
		run IrqWork();
		run Writer();
		run Reader()
	}
}
