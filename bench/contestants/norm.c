/*
 * What the machine can do: the norms and the matrix product in C, compiled twice, with -DREAL=float and -DREAL=double.
 *
 *   norm <op> <mean> <repeats> <sets> <length> <period> <run> <seconds> [<file for the results>]
 *   norm matmul 0 <size> 0 0 0 0 <seconds> [<file>]
 *
 * op is "centered" or "rms"; layouts are those of cases.ts, the inputs those of data.ts. Prints what worker.ts prints.
 * Sums are REAL, and the compiler may reorder them: fast, and as exact as that is.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EPS 1e-5
typedef REAL real;

static long repeats, sets, length, period, run, size;
static int centered;
static real *restrict x, *restrict weight, *restrict bias, *restrict grad;
static real *restrict output, *restrict grad_input, *restrict grad_weight, *restrict grad_bias, *restrict mean_of, *restrict rstd_of;

static uint32_t hash(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

static real *values(uint32_t seed, long count, double mean, double std) {
  real *result = malloc(count * sizeof(real));
  for (long i = 0; i < count; i++) {
    volatile double part = std * sqrt(12) * ((hash((uint32_t)i + seed * 0x9e3779b9u) + 0.5) / 4294967296.0 - 0.5);
    result[i] = (real)(mean + part); /* volatile: no fused multiply-add, which rounds otherwise */
  }
  return result;
}

static long parameters(void) { return period * (length / run); }

/* Rows that share no statistics, each cell with a weight of its own. */
static void forward_rows(void) {
  for (long s = 0; s < sets; s++) {
    const real *row = x + s * length;
    real *out = output + s * length;
    real sum = 0, squares = 0;
    if (centered) for (long l = 0; l < length; l++) sum += row[l];
    const real mean = sum / length;
    for (long l = 0; l < length; l++) squares += (row[l] - mean) * (row[l] - mean);
    const real rstd = 1 / sqrt(squares / length + EPS);
    if (centered) for (long l = 0; l < length; l++) out[l] = (row[l] - mean) * rstd * weight[l] + bias[l];
    else for (long l = 0; l < length; l++) out[l] = row[l] * rstd * weight[l];
    mean_of[s] = mean;
    rstd_of[s] = rstd;
  }
}

static void backward_rows(void) {
  memset(grad_weight, 0, length * sizeof(real));
  memset(grad_bias, 0, length * sizeof(real));
  for (long s = 0; s < sets; s++) {
    const real *row = x + s * length, *g = grad + s * length;
    real *out = grad_input + s * length;
    const real mean = mean_of[s], rstd = rstd_of[s];
    real sum = 0, dot = 0;
    for (long l = 0; l < length; l++) {
      const real xhat = (row[l] - mean) * rstd, scaled = g[l] * weight[l];
      grad_weight[l] += g[l] * xhat;
      grad_bias[l] += g[l];
      sum += scaled;
      dot += scaled * xhat;
    }
    sum = centered ? sum / length : 0;
    dot /= length;
    for (long l = 0; l < length; l++) out[l] = rstd * (g[l] * weight[l] - sum - (row[l] - mean) * rstd * dot);
  }
}

/* Channels: runs of cells with one weight. */
static void forward_runs(void) {
  const long count = repeats * length;
  for (long s = 0; s < sets; s++) {
    real sum = 0, squares = 0;
    for (long r = 0; r < repeats; r++) {
      const real *part = x + (r * sets + s) * length;
      for (long l = 0; l < length; l++) sum += part[l];
    }
    const real mean = sum / count;
    for (long r = 0; r < repeats; r++) {
      const real *part = x + (r * sets + s) * length;
      for (long l = 0; l < length; l++) squares += (part[l] - mean) * (part[l] - mean);
    }
    const real rstd = 1 / sqrt(squares / count + EPS);
    for (long r = 0; r < repeats; r++) {
      for (long k = 0; k < length / run; k++) {
        const long p = (s % period) * (length / run) + k, at = (r * sets + s) * length + k * run;
        const real scale = rstd * weight[p], shift = bias[p] - mean * scale;
        for (long i = at; i < at + run; i++) output[i] = x[i] * scale + shift;
      }
    }
    mean_of[s] = mean;
    rstd_of[s] = rstd;
  }
}

static void backward_runs(void) {
  const long count = repeats * length;
  memset(grad_weight, 0, parameters() * sizeof(real));
  memset(grad_bias, 0, parameters() * sizeof(real));
  for (long s = 0; s < sets; s++) {
    const real mean = mean_of[s], rstd = rstd_of[s];
    real sum = 0, dot = 0;
    for (long r = 0; r < repeats; r++) {
      for (long k = 0; k < length / run; k++) {
        const long p = (s % period) * (length / run) + k, at = (r * sets + s) * length + k * run;
        real part_sum = 0, part_dot = 0;
        for (long i = at; i < at + run; i++) {
          part_sum += grad[i];
          part_dot += grad[i] * (x[i] - mean);
        }
        grad_bias[p] += part_sum;
        grad_weight[p] += part_dot * rstd;
        sum += part_sum * weight[p];
        dot += part_dot * weight[p];
      }
    }
    sum /= count;
    dot *= rstd * rstd / count;
    for (long r = 0; r < repeats; r++) {
      for (long k = 0; k < length / run; k++) {
        const long p = (s % period) * (length / run) + k, at = (r * sets + s) * length + k * run;
        for (long i = at; i < at + run; i++) grad_input[i] = rstd * (grad[i] * weight[p] - sum - (x[i] - mean) * dot);
      }
    }
  }
}

/* [N, C]: a set is a column, so that rows are read and all columns summed at once. */
static void forward_columns(void) {
  memset(mean_of, 0, sets * sizeof(real));
  memset(rstd_of, 0, sets * sizeof(real));
  for (long r = 0; r < repeats; r++) {
    for (long s = 0; s < sets; s++) mean_of[s] += x[r * sets + s];
  }
  for (long s = 0; s < sets; s++) mean_of[s] /= repeats;
  for (long r = 0; r < repeats; r++) {
    for (long s = 0; s < sets; s++) rstd_of[s] += (x[r * sets + s] - mean_of[s]) * (x[r * sets + s] - mean_of[s]);
  }
  for (long s = 0; s < sets; s++) rstd_of[s] = 1 / sqrt(rstd_of[s] / repeats + EPS);
  for (long r = 0; r < repeats; r++) {
    for (long s = 0; s < sets; s++) {
      output[r * sets + s] = (x[r * sets + s] - mean_of[s]) * rstd_of[s] * weight[s] + bias[s];
    }
  }
}

static void backward_columns(void) {
  memset(grad_weight, 0, sets * sizeof(real));
  memset(grad_bias, 0, sets * sizeof(real));
  for (long r = 0; r < repeats; r++) {
    for (long s = 0; s < sets; s++) {
      grad_bias[s] += grad[r * sets + s];
      grad_weight[s] += grad[r * sets + s] * (x[r * sets + s] - mean_of[s]) * rstd_of[s];
    }
  }
  for (long r = 0; r < repeats; r++) {
    for (long s = 0; s < sets; s++) {
      const real xhat = (x[r * sets + s] - mean_of[s]) * rstd_of[s];
      grad_input[r * sets + s] =
          rstd_of[s] * weight[s] * (grad[r * sets + s] - (grad_bias[s] + xhat * grad_weight[s]) / repeats);
    }
  }
}

static void norm_step(void) {
  if (run == 1 && repeats == 1) {
    forward_rows();
    backward_rows();
  } else if (run == 1 && length == 1 && period == sets) {
    forward_columns();
    backward_columns();
  } else {
    forward_runs();
    backward_runs();
  }
}

/* Tiles of 4 rows and as many columns as fit into two vectors of 64 bytes: they stay in registers.
 * size is a multiple of 32. */
typedef real lanes __attribute__((vector_size(64), aligned(sizeof(real)), may_alias));
#define LANES (64 / (long)sizeof(real))
static void matmul_step(void) {
  for (long column = 0; column < size; column += 2 * LANES) {
    for (long row = 0; row < size; row += 4) {
      lanes sums[4][2] = {{{0}}};
      for (long k = 0; k < size; k++) {
        const lanes *b = (const lanes *)(weight + k * size + column);
        for (long r = 0; r < 4; r++) {
          sums[r][0] += x[(row + r) * size + k] * b[0];
          sums[r][1] += x[(row + r) * size + k] * b[1];
        }
      }
      for (long r = 0; r < 4; r++) memcpy(output + (row + r) * size + column, sums[r], sizeof sums[r]);
    }
  }
}

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

/* A line of /proc/self/status in bytes, as VmRSS: or VmHWM:; -1 where there is none. (What getrusage calls the most
 * begins with the parent's.) */
static long status(const char *name) {
  char line[256];
  long kilobytes = -1;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && kilobytes < 0 && fgets(line, sizeof line, file)) {
    if (strncmp(line, name, strlen(name)) == 0) kilobytes = atol(line + strlen(name));
  }
  if (file) fclose(file);
  return kilobytes < 0 ? -1 : 1024 * kilobytes;
}

static int ascending(const void *a, const void *b) {
  const double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static void write_results(const char *path, real *const *arrays, const long *counts, int how_many) {
  FILE *file = fopen(path, "wb");
  if (!file) exit(2);
  for (int a = 0; a < how_many; a++) {
    for (long i = 0; i < counts[a]; i++) {
      const double value = arrays[a][i];
      fwrite(&value, sizeof value, 1, file);
    }
  }
  fclose(file);
}

int main(int argc, char **argv) {
  if (argc < 9) return 2;
  const int is_matmul = strcmp(argv[1], "matmul") == 0;
  const double mean = atof(argv[2]), seconds = atof(argv[8]);
  const long before = status("VmRSS:");
  centered = strcmp(argv[1], "rms") != 0;
  size = repeats = atol(argv[3]);
  sets = atol(argv[4]);
  length = atol(argv[5]);
  period = atol(argv[6]);
  run = atol(argv[7]);
  const long count = is_matmul ? size * size : repeats * sets * length;
  const long affine = is_matmul ? 1 : parameters();
  x = values(1, count, is_matmul ? 0 : mean, 1);
  weight = is_matmul ? values(2, count, 0, 1) : values(2, affine, 1, .25);
  bias = values(3, affine, 0, .25);
  grad = values(4, is_matmul ? 1 : count, 0, 1);
  output = malloc(count * sizeof(real));
  grad_input = malloc((is_matmul ? 1 : count) * sizeof(real));
  grad_weight = malloc(affine * sizeof(real));
  grad_bias = malloc(affine * sizeof(real));
  mean_of = malloc((sets + 1) * sizeof(real));
  rstd_of = malloc((sets + 1) * sizeof(real));
  void (*step)(void) = is_matmul ? matmul_step : norm_step;

  step();
  if (argc > 9) {
    real *const arrays[] = {output, grad_input, grad_weight, grad_bias};
    const long counts[] = {count, count, affine, affine};
    write_results(argv[9], arrays, counts, is_matmul ? 1 : centered ? 4 : 3);
  }

  long warm = 0;
  const double start = now(CLOCK_MONOTONIC);
  do {
    step();
    warm++;
  } while (now(CLOCK_MONOTONIC) - start < seconds / 2 * 1e9);
  const long steps = 1 + (long)(2e7 / ((now(CLOCK_MONOTONIC) - start) / warm));
  enum { MOST = 4096 };
  static double cpu[MOST], wall[MOST];
  int batches = 0;
  const double begin = now(CLOCK_MONOTONIC);
  while (batches < 3 || (batches < MOST && now(CLOCK_MONOTONIC) - begin < seconds * 1e9)) {
    const double c = now(CLOCK_PROCESS_CPUTIME_ID), w = now(CLOCK_MONOTONIC);
    for (long i = 0; i < steps; i++) step();
    cpu[batches] = (now(CLOCK_PROCESS_CPUTIME_ID) - c) / steps;
    wall[batches] = (now(CLOCK_MONOTONIC) - w) / steps;
    batches++;
  }
  qsort(cpu, batches, sizeof *cpu, ascending);
  qsort(wall, batches, sizeof *wall, ascending);
  char peak[32] = "null";
  if (before >= 0) snprintf(peak, sizeof peak, "%ld", status("VmHWM:") - before);
  printf("{\"version\":\"%s\",\"fromPrimitives\":false,\"cpu\":%.17g,\"wall\":%.17g,\"kept\":null,\"peak\":%s}\n", __VERSION__,
         cpu[batches / 2], wall[batches / 2], peak);
  return 0;
}
