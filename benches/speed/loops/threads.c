/* Threads that outlive a call, so that starting them is not counted. */
#include "loop.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { SPINS = 2000 }; /* looks at a counter before sleeping: about as long as it takes to wake */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_long round;
    atomic_int left;
    Loop *loop;
    void *const *arrays;
    long n, grain;
    int threads;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void share(int part) {
    long grains = (pool.n + pool.grain - 1) / pool.grain;
    long lo = grains * part / pool.threads * pool.grain;
    long hi = grains * (part + 1) / pool.threads * pool.grain;
    pool.loop(pool.arrays, lo, hi < pool.n ? hi : pool.n, part);
}

static void *work(void *part) {
    for (long seen = 0;;) {
        for (int i = 0; i < SPINS && atomic_load(&pool.round) == seen; i++) _mm_pause();
        if (atomic_load(&pool.round) == seen) {
            pthread_mutex_lock(&pool.lock);
            while (atomic_load(&pool.round) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
            pthread_mutex_unlock(&pool.lock);
        }
        seen++;
        share((int)(intptr_t)part);
        atomic_fetch_sub(&pool.left, 1);
    }
    return 0;
}

/* Starts the pool, once. */
int start(int threads) {
    for (int part = 1; part < threads; part++) {
        pthread_t thread;
        if (pthread_create(&thread, 0, work, (void *)(intptr_t)part)) return 0;
        pthread_detach(thread);
    }
    pool.threads = threads;
    return 1;
}

/* Runs a loop on one thread or on all of the pool; parts begin at multiples of a grain. */
void run(Loop *loop, void *const *arrays, long n, long grain, int alone) {
    if (alone || pool.threads == 1) {
        loop(arrays, 0, n, 0);
        return;
    }
    pool.loop = loop, pool.arrays = arrays, pool.n = n, pool.grain = grain;
    atomic_store(&pool.left, pool.threads - 1);
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.round, 1);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    share(0);
    for (int i = 0; atomic_load(&pool.left); i++) {
        if (i < SPINS) _mm_pause();
        else sched_yield();
    }
}
