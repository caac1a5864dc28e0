/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's names in user space, with the meaning that the ring core relies
 * on. One thread stands for one CPU; a signal handler on it for an interrupt.
 */
#ifndef _KCHAN_USER_PORT_H
#define _KCHAN_USER_PORT_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What the calling thread plays: which CPU, whether in an NMI; and what the
 * stepped build calls at each point.
 */
extern __thread int kchan_port_cpu;
extern __thread bool kchan_port_nmi;
extern __thread void (*kchan_port_step)(void);

#ifdef __cplusplus
}
#endif

/*
 * In the stepped build, called before each access to what contexts of one CPU
 * share: where a test can let an interrupt in, at every place in turn.
 */
#ifdef KCHAN_PORT_STEPPED
static inline void kchan_port_point(void)
{
	if (kchan_port_step)
		kchan_port_step();
}
#else
static inline void kchan_port_point(void)
{
}
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ALIGN(x, a) (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define WARN_ON_ONCE(condition) (unlikely(condition) ? (__builtin_trap(), 1) : 0)
#ifndef __cplusplus /* which has it */
#define static_assert(condition) _Static_assert(condition, #condition)
#endif
#define is_power_of_2(n) ((n) != 0 && ((n) & ((n)-1)) == 0)

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}
static inline long PTR_ERR(const void *pointer)
{
	return (long)pointer;
}
static inline bool IS_ERR(const void *pointer)
{
	return unlikely((unsigned long)pointer >= (unsigned long)-4095);
}

static inline void strscpy(char *to, const char *from, size_t size)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

/* ---- Memory order -------------------------------------------------------- */

#define READ_ONCE(x) \
	({ kchan_port_point(); __atomic_load_n(&(x), __ATOMIC_RELAXED); })
#define WRITE_ONCE(x, value) \
	({ kchan_port_point(); __atomic_store_n(&(x), (value), __ATOMIC_RELAXED); })
#define smp_load_acquire(p) \
	({ kchan_port_point(); __atomic_load_n((p), __ATOMIC_ACQUIRE); })
#define smp_store_release(p, value) \
	({ kchan_port_point(); __atomic_store_n((p), (value), __ATOMIC_RELEASE); })

/* Between a thread and its signal handlers, as between a CPU's contexts. */
#define barrier() __asm__ volatile("" ::: "memory")

#if defined(__SANITIZE_THREAD__)
#define KCHAN_PORT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KCHAN_PORT_TSAN 1
#endif
#endif

#ifdef KCHAN_PORT_TSAN
/* ThreadSanitizer knows no fences; a locked instruction is one on the CPU. */
static inline void smp_mb(void)
{
	u64 fence = 0;

	barrier();
	__atomic_fetch_add(&fence, 1, __ATOMIC_SEQ_CST);
	barrier();
}
#define smp_wmb() smp_mb()
#define smp_rmb() smp_mb()
#else
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif
#define smp_mb__after_atomic() smp_mb()

/* ---- Counters ------------------------------------------------------------ */

typedef struct {
	s64 value;
} atomic64_t;

static inline s64 atomic64_read(const atomic64_t *v)
{
	kchan_port_point();
	return __atomic_load_n(&v->value, __ATOMIC_RELAXED);
}
static inline void atomic64_set(atomic64_t *v, s64 value)
{
	kchan_port_point();
	__atomic_store_n(&v->value, value, __ATOMIC_RELAXED);
}
static inline void atomic64_inc(atomic64_t *v)
{
	kchan_port_point();
	__atomic_fetch_add(&v->value, 1, __ATOMIC_RELAXED);
}
static inline s64 atomic64_inc_return(atomic64_t *v)
{
	kchan_port_point();
	return __atomic_add_fetch(&v->value, 1, __ATOMIC_SEQ_CST);
}

/* Atomic against the same thread's signal handlers only: no lock prefix. */
typedef struct {
	s64 value;
} local64_t;

static inline s64 local64_read(const local64_t *v)
{
	kchan_port_point();
	return __atomic_load_n(&v->value, __ATOMIC_RELAXED);
}
static inline void local64_set(local64_t *v, s64 value)
{
	kchan_port_point();
	__atomic_store_n(&v->value, value, __ATOMIC_RELAXED);
}

#if defined(__x86_64__) && !defined(KCHAN_PORT_TSAN)
static inline void local64_add(s64 n, local64_t *v)
{
	kchan_port_point();
	__asm__ volatile("addq %1, %0" : "+m"(v->value) : "er"(n) : "cc");
}
static inline bool local64_try_cmpxchg(local64_t *v, s64 *seen, s64 value)
{
	bool done;

	kchan_port_point();
	__asm__ volatile("cmpxchgq %3, %1"
			 : "=@ccz"(done), "+m"(v->value), "+a"(*seen)
			 : "r"(value)
			 : "memory");
	return done;
}
#else
static inline void local64_add(s64 n, local64_t *v)
{
	kchan_port_point();
	__atomic_fetch_add(&v->value, n, __ATOMIC_RELAXED);
}
static inline bool local64_try_cmpxchg(local64_t *v, s64 *seen, s64 value)
{
	kchan_port_point();
	return __atomic_compare_exchange_n(&v->value, seen, value, false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
#endif
#define local64_inc(v) local64_add(1, (v))

/* ---- The shared writers' lock -------------------------------------------- */

typedef struct {
	bool held;
} raw_spinlock_t;

#define raw_spin_lock_init(lock) __atomic_store_n(&(lock)->held, false, __ATOMIC_RELAXED)
static inline bool raw_spin_trylock(raw_spinlock_t *lock)
{
	return !__atomic_exchange_n(&lock->held, true, __ATOMIC_ACQUIRE);
}
static inline void raw_spin_lock(raw_spinlock_t *lock)
{
	while (!raw_spin_trylock(lock))
		sched_yield();
}
static inline void raw_spin_unlock(raw_spinlock_t *lock)
{
	__atomic_store_n(&lock->held, false, __ATOMIC_RELEASE);
}

#define local_irq_save(flags) ((void)(flags = 0))
#define local_irq_restore(flags) ((void)(flags))
#define smp_processor_id() (kchan_port_cpu)
#define in_nmi() (kchan_port_nmi)

static inline u64 kchan_port_boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

#endif
