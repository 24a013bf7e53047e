/* SPDX-License-Identifier: Apache-2.0

   How it works
   ------------
   Polynomials over GF(2), P the one of the check, of degree `width`. Bits are reflected: in a register of n bits, bit i is
   the coefficient of x^(n-1-i). Bytes are loaded little-endian, so the first byte of a message has its highest powers.

   Tables: `table[k][b]` is what the register is after byte b and then k zero bytes. Eight bytes a step ("slicing by 8",
   Kounavis and Berry 2005).

   Folding ("Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Gopal et al. 2009): a block X of 128 bits that
   stands d bits before the end of the message may be replaced by any block that is congruent to X * x^d mod P, standing at
   the end. With X = L * x^64 + H that is L * x^(d+64) + H * x^d, two multiplications of 64 by `width` bits. The product of
   two reflected registers of 64 bits, read as a reflected register of 128 bits, is x times the product of the polynomials:
   bits i and j stand for x^(63-i) and x^(63-j), and bit i+j of 128 for x^(127-i-j). So the constants are one power lower:
   x^(d+63) mod P for L and x^(d-1) mod P for H. They are computed at start from P, by multiplying with x that often.

   Four blocks are folded side by side over 512 bits, then into one over 128 bits each. What remains is one block that is
   congruent to all that was read, and its check is taken by table. That is slower than Barrett's reduction by a few
   nanoseconds, and needs no further constants. */
#include "CChecksums.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <emmintrin.h>
#include <wmmintrin.h>
#endif

struct model {
    uint64_t polynomial; /* reflected, without its highest power */
    int width;
    uint64_t ones;
    uint64_t table[8][256];
    uint64_t fold512[2]; /* for the first and the second 64 bits of a block */
    uint64_t fold128[2];
};

static struct model models[] = {
    [CCHECKSUMS_CRC32] = {.polynomial = 0xEDB88320, .width = 32, .ones = 0xFFFFFFFF},
    [CCHECKSUMS_CRC32C] = {.polynomial = 0x82F63B78, .width = 32, .ones = 0xFFFFFFFF},
    [CCHECKSUMS_CRC64NVME] = {.polynomial = 0x9A6C9329AC4BC9B5, .width = 64, .ones = 0xFFFFFFFFFFFFFFFF},
};

#if defined(__x86_64__)
static int can_fold;
#endif

static uint64_t times_x(const struct model *model, uint64_t value) {
    return value & 1 ? value >> 1 ^ model->polynomial : value >> 1;
}

/* x^power mod P, as a reflected register of 64 bits. */
static uint64_t power_of_x(const struct model *model, int power) {
    uint64_t value = (uint64_t)1 << (model->width - 1);
    for (int i = 0; i < power; i++) value = times_x(model, value);
    return value << (64 - model->width);
}

static void prepare(struct model *model) {
    for (int byte = 0; byte < 256; byte++) {
        uint64_t value = (uint64_t)byte;
        for (int bit = 0; bit < 8; bit++) value = times_x(model, value);
        model->table[0][byte] = value;
    }
    for (int k = 1; k < 8; k++) {
        for (int byte = 0; byte < 256; byte++) {
            uint64_t shorter = model->table[k - 1][byte];
            model->table[k][byte] = shorter >> 8 ^ model->table[0][shorter & 0xFF];
        }
    }
    model->fold512[0] = power_of_x(model, 512 + 63);
    model->fold512[1] = power_of_x(model, 512 - 1);
    model->fold128[0] = power_of_x(model, 128 + 63);
    model->fold128[1] = power_of_x(model, 128 - 1);
}

/* Before main and in one thread, so that what it writes needs no lock. It takes about 50 microseconds. */
__attribute__((constructor)) static void prepare_all(void) {
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) prepare(&models[i]);
#if defined(__x86_64__)
    unsigned int eax, ebx, ecx, edx;
    can_fold = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_PCLMUL);
#endif
}

static uint64_t load64(const unsigned char *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint64_t through_tables(const struct model *model, uint64_t state, const unsigned char *bytes, size_t count) {
    const uint64_t(*table)[256] = model->table;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t block = load64(bytes) ^ state;
        state = table[7][block & 0xFF] ^ table[6][block >> 8 & 0xFF] ^ table[5][block >> 16 & 0xFF] ^
                table[4][block >> 24 & 0xFF] ^ table[3][block >> 32 & 0xFF] ^ table[2][block >> 40 & 0xFF] ^
                table[1][block >> 48 & 0xFF] ^ table[0][block >> 56];
    }
    for (; count > 0; bytes++, count--) state = state >> 8 ^ table[0][(state ^ *bytes) & 0xFF];
    return state;
}

#if defined(__x86_64__)
static __m128i load128(const unsigned char *bytes) { return _mm_loadu_si128((const __m128i *)bytes); }

/* Moves `block` by the distance of `constants` and adds `next`, which stands there. */
__attribute__((target("pclmul"))) static inline __m128i fold(__m128i block, __m128i constants, __m128i next) {
    __m128i first = _mm_clmulepi64_si128(block, constants, 0x00);
    __m128i second = _mm_clmulepi64_si128(block, constants, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

/* `count` is at least 64. */
__attribute__((target("pclmul"))) static uint64_t through_folding(
    const struct model *model, uint64_t state, const unsigned char *bytes, size_t count) {
    const __m128i by512 = load128((const unsigned char *)model->fold512);
    const __m128i by128 = load128((const unsigned char *)model->fold128);
    /* A register before a message counts like the same bits added to the message's first ones. */
    __m128i a = _mm_xor_si128(load128(bytes), _mm_set_epi64x(0, (long long)state));
    __m128i b = load128(bytes + 16), c = load128(bytes + 32), d = load128(bytes + 48);
    bytes += 64, count -= 64;
    for (; count >= 64; bytes += 64, count -= 64) {
        a = fold(a, by512, load128(bytes));
        b = fold(b, by512, load128(bytes + 16));
        c = fold(c, by512, load128(bytes + 32));
        d = fold(d, by512, load128(bytes + 48));
    }
    a = fold(fold(fold(a, by128, b), by128, c), by128, d);
    for (; count >= 16; bytes += 16, count -= 16) a = fold(a, by128, load128(bytes));
    unsigned char rest[16];
    _mm_storeu_si128((__m128i *)rest, a);
    return through_tables(model, through_tables(model, 0, rest, sizeof rest), bytes, count);
}
#endif

uint64_t cchecksums_update(enum cchecksums_crc kind, uint64_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    const struct model *model = &models[kind];
    if (can_fold && count >= 64) return through_folding(model, crc ^ model->ones, bytes, count) ^ model->ones;
#endif
    return cchecksums_update_with_tables(kind, crc, bytes, count);
}

uint64_t cchecksums_update_with_tables(enum cchecksums_crc kind, uint64_t crc, const void *bytes, size_t count) {
    const struct model *model = &models[kind];
    return through_tables(model, crc ^ model->ones, bytes, count) ^ model->ones;
}
