/* SPDX-License-Identifier: Apache-2.0

   How it works
   ------------
   Lane i of sixteen (or eight) vectors holds the i-th message's block, word by word: the blocks are loaded as rows and transposed.
   A lane whose message ended takes the next message; where there is none it digests a block of zeros that nobody asks for.
   All lanes go on for as many blocks as the shortest of them has left, and only then is looked at who ended. */
#include "CChecksums.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

enum { MOST_LANES = 16, BLOCK = 64 };

static uint32_t sines[64];
static int best_lanes;

__attribute__((constructor)) static void prepare(void) {
    /* RFC 1321, section 3.4. */
    for (int i = 0; i < 64; i++) sines[i] = (uint32_t)(uint64_t)(4294967296.0 * fabs(sin(i + 1)));
    __builtin_cpu_init();
    best_lanes = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx2") ? 16 : __builtin_cpu_supports("avx2") ? 8 : 0;
}

/* The block that every lane is at, and what it digested so far. */
struct state {
    _Alignas(64) uint32_t words[4][MOST_LANES];
    const uint8_t *next[MOST_LANES];
    size_t stride[MOST_LANES]; /* 0 where a lane has no message */
};

#define F(b, c, d) (d ^ (b & (c ^ d)))
#define G(b, c, d) (c ^ (d & (b ^ c)))
#define H(b, c, d) (b ^ c ^ d)
#define I(b, c, d) (c ^ (b | ~d))

/* `T` is the vector, `SPREAD` makes one of a number. */
#define STEP(f, a, b, c, d, k, s, i)                              \
    do {                                                          \
        T sum = a + f(b, c, d) + x[k] + SPREAD((int)sines[i]);    \
        a = b + (sum << s | sum >> (32 - s));                     \
    } while (0)

#define FOUR(f, i, k0, k1, k2, k3, s0, s1, s2, s3) \
    STEP(f, a, b, c, d, k0, s0, i);                \
    STEP(f, d, a, b, c, k1, s1, i + 1);            \
    STEP(f, c, d, a, b, k2, s2, i + 2);            \
    STEP(f, b, c, d, a, k3, s3, i + 3)

#define ALL_STEPS                                                                                            \
    FOUR(F, 0, 0, 1, 2, 3, 7, 12, 17, 22);                                                                   \
    FOUR(F, 4, 4, 5, 6, 7, 7, 12, 17, 22);                                                                   \
    FOUR(F, 8, 8, 9, 10, 11, 7, 12, 17, 22);                                                                 \
    FOUR(F, 12, 12, 13, 14, 15, 7, 12, 17, 22);                                                              \
    FOUR(G, 16, 1, 6, 11, 0, 5, 9, 14, 20);                                                                  \
    FOUR(G, 20, 5, 10, 15, 4, 5, 9, 14, 20);                                                                 \
    FOUR(G, 24, 9, 14, 3, 8, 5, 9, 14, 20);                                                                  \
    FOUR(G, 28, 13, 2, 7, 12, 5, 9, 14, 20);                                                                 \
    FOUR(H, 32, 5, 8, 11, 14, 4, 11, 16, 23);                                                                \
    FOUR(H, 36, 1, 4, 7, 10, 4, 11, 16, 23);                                                                 \
    FOUR(H, 40, 13, 0, 3, 6, 4, 11, 16, 23);                                                                 \
    FOUR(H, 44, 9, 12, 15, 2, 4, 11, 16, 23);                                                                \
    FOUR(I, 48, 0, 7, 14, 5, 6, 10, 15, 21);                                                                 \
    FOUR(I, 52, 12, 3, 10, 1, 6, 10, 15, 21);                                                                \
    FOUR(I, 56, 8, 15, 6, 13, 6, 10, 15, 21);                                                                \
    FOUR(I, 60, 4, 11, 2, 9, 6, 10, 15, 21)

typedef uint32_t vector16 __attribute__((vector_size(64)));
typedef uint32_t vector8 __attribute__((vector_size(32)));

#define T vector16
#define SPREAD(number) ((vector16)_mm512_set1_epi32(number))
__attribute__((target("avx512f,avx2"))) static void digest16(struct state *state, size_t blocks) {
    vector16 a, b, c, d, x[16];
    memcpy(&a, state->words[0], sizeof a), memcpy(&b, state->words[1], sizeof b);
    memcpy(&c, state->words[2], sizeof c), memcpy(&d, state->words[3], sizeof d);
    for (; blocks > 0; blocks--) {
        __m512i rows[16], turned[16];
        for (int i = 0; i < 16; i++) {
            rows[i] = _mm512_loadu_si512(state->next[i]);
            state->next[i] += state->stride[i];
        }
        /* Blocks of two by two, of four by four, and then the quarters of each vector. */
        for (int i = 0; i < 16; i += 2) {
            turned[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
            turned[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
        }
        for (int i = 0; i < 16; i += 4) {
            rows[i] = _mm512_unpacklo_epi64(turned[i], turned[i + 2]);
            rows[i + 1] = _mm512_unpackhi_epi64(turned[i], turned[i + 2]);
            rows[i + 2] = _mm512_unpacklo_epi64(turned[i + 1], turned[i + 3]);
            rows[i + 3] = _mm512_unpackhi_epi64(turned[i + 1], turned[i + 3]);
        }
        for (int i = 0; i < 4; i++) {
            __m512i low = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0x44);
            __m512i high = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0xEE);
            __m512i low2 = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0x44);
            __m512i high2 = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0xEE);
            x[i] = (vector16)_mm512_shuffle_i32x4(low, low2, 0x88);
            x[i + 4] = (vector16)_mm512_shuffle_i32x4(low, low2, 0xDD);
            x[i + 8] = (vector16)_mm512_shuffle_i32x4(high, high2, 0x88);
            x[i + 12] = (vector16)_mm512_shuffle_i32x4(high, high2, 0xDD);
        }
        vector16 a0 = a, b0 = b, c0 = c, d0 = d;
        ALL_STEPS;
        a += a0, b += b0, c += c0, d += d0;
    }
    memcpy(state->words[0], &a, sizeof a), memcpy(state->words[1], &b, sizeof b);
    memcpy(state->words[2], &c, sizeof c), memcpy(state->words[3], &d, sizeof d);
}
#undef T
#undef SPREAD

#define T vector8
#define SPREAD(number) ((vector8)_mm256_set1_epi32(number))
__attribute__((target("avx2"))) static void turn8(const uint8_t *const rows[8], vector8 x[8]) {
    __m256i r[8], t[8];
    for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_si256((const __m256i *)rows[i]);
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        x[i] = (vector8)_mm256_permute2x128_si256(r[i], r[i + 4], 0x20);
        x[i + 4] = (vector8)_mm256_permute2x128_si256(r[i], r[i + 4], 0x31);
    }
}

__attribute__((target("avx2"))) static void digest8(struct state *state, size_t blocks) {
    vector8 a, b, c, d, x[16];
    memcpy(&a, state->words[0], sizeof a), memcpy(&b, state->words[1], sizeof b);
    memcpy(&c, state->words[2], sizeof c), memcpy(&d, state->words[3], sizeof d);
    for (; blocks > 0; blocks--) {
        const uint8_t *second[8];
        for (int i = 0; i < 8; i++) second[i] = state->next[i] + 32;
        turn8(state->next, x);
        turn8(second, x + 8);
        for (int i = 0; i < 8; i++) state->next[i] += state->stride[i];
        vector8 a0 = a, b0 = b, c0 = c, d0 = d;
        ALL_STEPS;
        a += a0, b += b0, c += c0, d += d0;
    }
    memcpy(state->words[0], &a, sizeof a), memcpy(state->words[1], &b, sizeof b);
    memcpy(state->words[2], &c, sizeof c), memcpy(state->words[3], &d, sizeof d);
}
#undef T
#undef SPREAD

/* What a lane is at. */
struct lane {
    struct cchecksums_message *message; /* NULL: nothing */
    size_t blocks;                    /* left, of the message itself or of its end */
    int is_ending;
    size_t ending_blocks;
    uint8_t ending[2 * BLOCK]; /* what is over of the message, the bit behind it, zeros and its length */
};

static const uint8_t nothing[BLOCK];

/* The message's last bytes, padded. */
static void begin_ending(struct lane *lane, struct state *state, int i) {
    lane->is_ending = 1;
    lane->blocks = lane->ending_blocks;
    state->next[i] = lane->ending;
}

static void begin(struct lane *lane, struct state *state, int i, struct cchecksums_message *message) {
    static const uint32_t start[4] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476};
    for (int word = 0; word < 4; word++) state->words[word][i] = start[word];
    const uint8_t *bytes = message->bytes;
    size_t whole = message->count / BLOCK, over = message->count % BLOCK;
    lane->message = message;
    lane->is_ending = 0;
    lane->blocks = whole;
    lane->ending_blocks = over < BLOCK - 8 ? 1 : 2;
    memset(lane->ending, 0, sizeof lane->ending);
    if (over > 0) memcpy(lane->ending, bytes + whole * BLOCK, over);
    lane->ending[over] = 0x80;
    uint64_t bits = (uint64_t)message->count * 8;
    memcpy(lane->ending + lane->ending_blocks * BLOCK - 8, &bits, sizeof bits); /* little-endian, as the processor */
    state->next[i] = bytes;
    state->stride[i] = BLOCK;
    if (whole == 0) begin_ending(lane, state, i);
}

static void rest(struct lane *lane, struct state *state, int i) {
    lane->message = NULL;
    state->next[i] = nothing;
    state->stride[i] = 0;
}

int cchecksums_md5_lanes(void) { return best_lanes; }

void cchecksums_md5(struct cchecksums_message *messages, size_t count, int lanes) {
    struct state state;
    struct lane at[MOST_LANES];
    size_t begun = 0, ended = 0;
    memset(&state, 0, sizeof state);
    for (int i = 0; i < lanes; i++) {
        if (begun < count) begin(&at[i], &state, i, &messages[begun++]);
        else rest(&at[i], &state, i);
    }
    while (ended < count) {
        size_t blocks = SIZE_MAX;
        for (int i = 0; i < lanes; i++) {
            if (at[i].message && at[i].blocks < blocks) blocks = at[i].blocks;
        }
        if (lanes == 16) digest16(&state, blocks);
        else digest8(&state, blocks);
        for (int i = 0; i < lanes; i++) {
            if (!at[i].message || (at[i].blocks -= blocks) > 0) continue;
            if (!at[i].is_ending) {
                begin_ending(&at[i], &state, i);
                continue;
            }
            for (int word = 0; word < 4; word++) memcpy(at[i].message->digest + word * 4, &state.words[word][i], 4);
            ended++;
            if (begun < count) begin(&at[i], &state, i, &messages[begun++]);
            else rest(&at[i], &state, i);
        }
    }
}
#else
int cchecksums_md5_lanes(void) { return 0; }

void cchecksums_md5(struct cchecksums_message *messages, size_t count, int lanes) {
    (void)messages, (void)count, (void)lanes;
}
#endif
