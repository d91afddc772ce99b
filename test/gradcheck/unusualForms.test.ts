// @ts-nocheck: loops over typed arrays without a guard at every index, as users write them.
/** Right backwards in unusual forms pass: none of them is a false alarm. */
import { describe, expect, test } from "vitest";
import { checkOp } from "../../src/gradcheck/index.ts";

const rows = { dims: { N: [1, 3], n: [1, 6] }, params: { eps: [1e-5, 1] } };
const A = (n) => Array.from({ length: n }, (_, i) => i);
const norm = (x, r, n, eps, twice = true, arr = Float64Array) => {
  const row = x.subarray(r * n, (r + 1) * n);
  const f = row[0];
  let m = 0;
  for (const v of row) m += twice ? v - f : v;
  m = (twice ? f : 0) + m / n;
  const c = new arr(n);
  for (let i = 0; i < n; i++) c[i] = row[i] - m;
  if (twice) {
    let rest = 0;
    for (const v of c) rest += v;
    rest /= n;
    for (let i = 0; i < n; i++) c[i] -= rest;
  }
  let v = 0;
  for (const t of c) v += t * t;
  v /= n;
  return { c, rstd: 1 / Math.sqrt(v + eps), v };
};
const softplain = (x) => {
  const m = Math.max(...x);
  const e = Array.from(x, (v) => Math.exp(v - m));
  const s = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / s);
};
const right = {
  "layerNorm rstd/n form": () =>
    checkOp("ln", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n], weight: [n], bias: [n] }),
      forward: ({ x, weight, bias }, { eps }) => {
        const c = x.center([-1]);
        return c
          .mul(c.square().mean([-1], true).add(eps).rsqrt())
          .mul(weight)
          .add(bias);
      },
      backward: (g, { x, weight }, { N, n, eps }) => {
        const gx = new Float64Array(x.length),
          gw = new Float64Array(n),
          gb = new Float64Array(n);
        for (let r = 0; r < N; r++) {
          const { c, rstd } = norm(x, r, n, eps);
          let s = 0,
            sx = 0;
          for (let i = 0; i < n; i++) {
            const gh = g[r * n + i] * weight[i];
            const xh = c[i] * rstd;
            s += gh;
            sx += gh * xh;
            gw[i] += g[r * n + i] * xh;
            gb[i] += g[r * n + i];
          }
          for (let i = 0; i < n; i++)
            gx[r * n + i] = (rstd / n) * (n * g[r * n + i] * weight[i] - s - c[i] * rstd * sx);
        }
        return { x: gx, weight: gw, bias: gb };
      },
    }),
  "batchNorm cs231n": () =>
    checkOp("bn", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n], weight: [n], bias: [n] }),
      forward: ({ x, weight, bias }, { eps }) => {
        const c = x.center([0]);
        return c
          .mul(c.square().mean([0], true).add(eps).rsqrt())
          .mul(weight)
          .add(bias);
      },
      backward: (g, { x, weight }, { N, n, eps }) => {
        const gx = new Float64Array(x.length),
          gw = new Float64Array(n),
          gb = new Float64Array(n);
        for (let i = 0; i < n; i++) {
          const col = Float64Array.from(A(N), (r) => x[r * n + i]);
          const { c, rstd, v } = norm(col, 0, N, eps);
          let dvar = 0,
            dmean1 = 0,
            sumc = 0;
          for (let r = 0; r < N; r++) {
            const d = g[r * n + i] * weight[i];
            dvar += d * c[r] * -0.5 * Math.pow(v + eps, -1.5);
            dmean1 += d * -rstd;
            sumc += -2 * c[r];
            gw[i] += g[r * n + i] * c[r] * rstd;
            gb[i] += g[r * n + i];
          }
          const dmean = dmean1 + (dvar * sumc) / N;
          for (let r = 0; r < N; r++)
            gx[r * n + i] = g[r * n + i] * weight[i] * rstd + (dvar * 2 * c[r]) / N + dmean / N;
        }
        return [gx, gw, gb];
      },
    }),
  "batchNorm cs231n once-centred": () =>
    checkOp("bn", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }, { eps }) => {
        const c = x.sub(x.mean([0], true));
        return c.mul(c.square().mean([0], true).add(eps).rsqrt());
      },
      backward: (g, { x }, { N, n, eps }) => {
        const gx = new Float64Array(x.length);
        for (let i = 0; i < n; i++) {
          const col = Float64Array.from(A(N), (r) => x[r * n + i]);
          const { c, rstd, v } = norm(col, 0, N, eps, false);
          let dvar = 0,
            dmean1 = 0,
            sumc = 0;
          for (let r = 0; r < N; r++) {
            const d = g[r * n + i];
            dvar += d * c[r] * -0.5 * Math.pow(v + eps, -1.5);
            dmean1 += d * -rstd;
            sumc += -2 * c[r];
          }
          const dmean = dmean1 + (dvar * sumc) / N;
          for (let r = 0; r < N; r++) gx[r * n + i] = g[r * n + i] * rstd + (dvar * 2 * c[r]) / N + dmean / N;
        }
        return [gx];
      },
    }),
  "layerNorm naive": () =>
    checkOp("ln", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }, { eps }) => {
        const c = x.sub(x.mean([-1], true));
        return c.mul(c.square().mean([-1], true).add(eps).rsqrt());
      },
      backward: (g, { x }, { N, n, eps }) => {
        const gx = new Float64Array(x.length);
        for (let r = 0; r < N; r++) {
          const { c, rstd } = norm(x, r, n, eps, false);
          let s = 0,
            sx = 0;
          for (let i = 0; i < n; i++) {
            const gh = g[r * n + i];
            s += gh;
            sx += gh * c[i] * rstd;
          }
          for (let i = 0; i < n; i++) gx[r * n + i] = rstd * (g[r * n + i] - s / n - (c[i] * rstd * sx) / n);
        }
        return { x: gx };
      },
    }),
  "layerNorm div sqrt": () =>
    checkOp("ln", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }, { eps }) => {
        const c = x.center([-1]);
        return c.mul(c.square().mean([-1], true).add(eps).rsqrt());
      },
      backward: (g, { x }, { N, n, eps }) => {
        const gx = new Float64Array(x.length);
        for (let r = 0; r < N; r++) {
          const { c, v } = norm(x, r, n, eps);
          const std = Math.sqrt(v + eps);
          let s = 0,
            sx = 0;
          for (let i = 0; i < n; i++) {
            const gh = g[r * n + i];
            s += gh;
            sx += gh * c[i];
          }
          for (let i = 0; i < n; i++) gx[r * n + i] = (g[r * n + i] - s / n) / std - (c[i] * sx) / (n * std ** 3);
        }
        return { x: gx };
      },
    }),
  softmax: () =>
    checkOp("softmax", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }) => {
        const e = x.sub(x.constant((v) => v, x.shape).mean([-1], true)).exp();
        return e.div(e.sum([-1], true));
      },
      backward: (g, { x }, { N, n }) => {
        const gx = new Float64Array(x.length);
        for (let r = 0; r < N; r++) {
          const p = softplain(x.subarray(r * n, r * n + n));
          let d = 0;
          p.forEach((v, i) => (d += v * g[r * n + i]));
          p.forEach((v, i) => (gx[r * n + i] = v * (g[r * n + i] - d)));
        }
        return { x: gx };
      },
    }),
  "softmax by quotient (no max)": () =>
    checkOp("softmax", {
      ...rows,
      inputs: ({ N, n }) => ({ x: { shape: [N, n], range: [-5, 5] } }),
      forward: ({ x }) => {
        const e = x.exp();
        return e.div(e.sum([-1], true));
      },
      backward: (g, { x }, { N, n }) => {
        const gx = new Float64Array(x.length);
        for (let r = 0; r < N; r++) {
          const p = softplain(x.subarray(r * n, r * n + n));
          let d = 0;
          p.forEach((v, i) => (d += v * g[r * n + i]));
          p.forEach((v, i) => (gx[r * n + i] = v * (g[r * n + i] - d)));
        }
        return { x: gx };
      },
    }),
  "log-softmax": () =>
    checkOp("logsoftmax", {
      ...rows,
      inputs: ({ N, n }) => ({ x: { shape: [N, n], range: [-5, 5] } }),
      forward: ({ x }) => x.sub(x.exp().sum([-1], true).log()),
      backward: (g, { x }, { N, n }) => {
        const gx = new Float64Array(x.length);
        for (let r = 0; r < N; r++) {
          const p = softplain(x.subarray(r * n, r * n + n));
          let d = 0;
          p.forEach((v, i) => (d += g[r * n + i]));
          p.forEach((v, i) => (gx[r * n + i] = g[r * n + i] - v * d));
        }
        return { x: gx };
      },
    }),
  "log-softmax any x": () =>
    checkOp("logsoftmax", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }) => {
        const c = x.sub(x.constant((v) => v).mean([-1], true));
        return c.sub(c.exp().sum([-1], true).log());
      },
      backward: (g, { x }, { N, n }) => {
        const gx = new Float64Array(x.length);
        for (let r = 0; r < N; r++) {
          const p = softplain(x.subarray(r * n, r * n + n));
          let d = 0;
          p.forEach((v, i) => (d += g[r * n + i]));
          p.forEach((v, i) => (gx[r * n + i] = g[r * n + i] - v * d));
        }
        return { x: gx };
      },
    }),
  "gelu tanh": () =>
    checkOp("gelu", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }) =>
        x.mul(0.5).mul(
          x
            .add(x.pow(3).mul(0.044715))
            .mul(Math.sqrt(2 / Math.PI))
            .tanh()
            .add(1),
        ),
      backward: (g, { x }) => ({
        x: g.map((d, i) => {
          const k = Math.sqrt(2 / Math.PI),
            v = x[i];
          const t = Math.tanh(k * (v + 0.044715 * v ** 3));
          return d * (0.5 * (1 + t) + 0.5 * v * (1 - t * t) * k * (1 + 3 * 0.044715 * v * v));
        }),
      }),
    }),
  "x tanh x by exponentials": () =>
    checkOp("gelu", {
      ...rows,
      inputs: ({ N, n }) => ({ x: { shape: [N, n], range: [-3, 3] }, z: [1] }),
      forward: ({ x }) => x.mul(x.tanh()),
      backward: (g, { x }) => ({
        x: g.map((d, i) => {
          const v = x[i];
          const e = Math.exp(2 * v);
          const t = (e - 1) / (e + 1);
          return d * (t + (v * 4 * e) / (e + 1) ** 2);
        }),
      }),
    }),
  "sigmoid y(1-y)": () =>
    checkOp("sigmoid", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }) => x.mul(0.5).tanh().add(1).mul(0.5),
      backward: (g, { x }) => ({
        x: g.map((d, i) => {
          const y = 1 / (1 + Math.exp(-x[i]));
          return d * y * (1 - y);
        }),
      }),
    }),
  "rmsnorm a": () =>
    checkOp("rms", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n], weight: [n] }),
      forward: ({ x, weight }, { eps }) => x.mul(x.square().mean([-1], true).add(eps).rsqrt()).mul(weight),
      backward: (g, { x, weight }, { N, n, eps }) => {
        const gx = new Float64Array(x.length),
          gw = new Float64Array(n);
        for (let r = 0; r < N; r++) {
          let ms = 0;
          for (let i = 0; i < n; i++) ms += x[r * n + i] ** 2;
          ms /= n;
          const rs = 1 / Math.sqrt(ms + eps);
          let d = 0;
          for (let i = 0; i < n; i++) {
            d += g[r * n + i] * weight[i] * x[r * n + i];
            gw[i] += g[r * n + i] * x[r * n + i] * rs;
          }
          for (let i = 0; i < n; i++)
            gx[r * n + i] = rs * g[r * n + i] * weight[i] - ((x[r * n + i] * rs ** 3) / n) * d;
        }
        return { x: gx, weight: gw };
      },
    }),
  "rmsnorm b": () =>
    checkOp("rms", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n], weight: [n] }),
      forward: ({ x, weight }, { eps }) => x.div(x.square().mean([-1], true).add(eps).pow(0.5)).mul(weight),
      backward: (g, { x, weight }, { N, n, eps }) => {
        const gx = new Float64Array(x.length),
          gw = new Float64Array(n);
        for (let r = 0; r < N; r++) {
          let ms = 0;
          for (let i = 0; i < n; i++) ms += x[r * n + i] ** 2;
          const rms = Math.sqrt(ms / n + eps);
          let d = 0;
          for (let i = 0; i < n; i++) {
            const xh = x[r * n + i] / rms;
            d += g[r * n + i] * weight[i] * xh;
            gw[i] += g[r * n + i] * xh;
          }
          for (let i = 0; i < n; i++) gx[r * n + i] = (g[r * n + i] * weight[i] - ((x[r * n + i] / rms) * d) / n) / rms;
        }
        return { x: gx, weight: gw };
      },
    }),
  "float32 layerNorm, accumulating in f32": () =>
    checkOp("ln32", {
      ...rows,
      dtypes: ["float32"],
      inputs: ({ N, n }) => ({ x: [N, n], weight: [n] }),
      forward: ({ x, weight }, { eps }) => {
        const c = x.center([-1]);
        return c.mul(c.square().mean([-1], true).add(eps).rsqrt()).mul(weight);
      },
      backward: (g, { x, weight }, { N, n, eps }) => {
        const f = Math.fround;
        const gx = new Float32Array(x.length),
          gw = new Float32Array(n);
        for (let r = 0; r < N; r++) {
          const row = x.subarray(r * n, r * n + n);
          const K = row[0];
          let m = 0;
          for (const v of row) m = f(m + f(v - K));
          m = f(K + f(m / n));
          const c = new Float32Array(n);
          for (let i = 0; i < n; i++) c[i] = row[i] - m;
          let rest = 0;
          for (const v of c) rest = f(rest + v);
          rest = f(rest / n);
          for (let i = 0; i < n; i++) c[i] -= rest;
          let v = 0;
          for (const t of c) v = f(v + f(t * t));
          v = f(v / n);
          const rstd = f(1 / f(Math.sqrt(f(v + f(eps)))));
          let s = 0,
            sx = 0;
          const xh = new Float32Array(n);
          for (let i = 0; i < n; i++) {
            xh[i] = c[i] * rstd;
            const gh = f(g[r * n + i] * weight[i]);
            s = f(s + gh);
            sx = f(sx + f(gh * xh[i]));
            gw[i] += g[r * n + i] * xh[i];
          }
          for (let i = 0; i < n; i++)
            gx[r * n + i] = f(rstd * f(f(f(g[r * n + i] * weight[i]) - f(s / n)) - f(xh[i] * f(sx / n))));
        }
        return { x: gx, weight: gw };
      },
    }),
  "float32 cs231n once-centred": () =>
    checkOp("bn32", {
      ...rows,
      dtypes: ["float32"],
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }, { eps }) => {
        const c = x.sub(x.mean([0], true));
        return c.mul(c.square().mean([0], true).add(eps).rsqrt());
      },
      backward: (g, { x }, { N, n, eps }) => {
        const f = Math.fround;
        const gx = new Float32Array(x.length);
        for (let i = 0; i < n; i++) {
          let m = 0;
          for (let r = 0; r < N; r++) m = f(m + x[r * n + i]);
          m = f(m / N);
          const c = new Float32Array(N);
          for (let r = 0; r < N; r++) c[r] = x[r * n + i] - m;
          let v = 0;
          for (const t of c) v = f(v + f(t * t));
          v = f(f(v / N) + f(eps));
          const rstd = f(1 / f(Math.sqrt(v)));
          let dvar = 0,
            dm = 0,
            sc = 0;
          for (let r = 0; r < N; r++) {
            const d = g[r * n + i];
            dvar = f(dvar + f(f(f(d * c[r]) * -0.5) * f(f(rstd * rstd) * rstd)));
            dm = f(dm - f(d * rstd));
            sc = f(sc - f(2 * c[r]));
          }
          const dmean = f(dm + f(f(dvar * sc) / N));
          for (let r = 0; r < N; r++)
            gx[r * n + i] = f(f(f(g[r * n + i] * rstd) + f(f(dvar * f(2 * c[r])) / N)) + f(dmean / N));
        }
        return [gx];
      },
    }),
  "float32 softmax": () =>
    checkOp("softmax", {
      ...rows,
      dtypes: ["float32"],
      inputs: ({ N, n }) => ({ x: { shape: [N, n], range: [-5, 5] } }),
      forward: ({ x }) => {
        const e = x.exp();
        return e.div(e.sum([-1], true));
      },
      backward: (g, { x }, { N, n }) => {
        const f = Math.fround;
        const gx = new Float32Array(x.length);
        for (let r = 0; r < N; r++) {
          const row = x.subarray(r * n, r * n + n);
          const m = Math.max(...row);
          const e = Float32Array.from(row, (v) => Math.exp(f(v - m)));
          let s = 0;
          for (const v of e) s = f(s + v);
          const p = e.map((v) => v / s);
          let d = 0;
          p.forEach((v, i) => (d = f(d + f(v * g[r * n + i]))));
          p.forEach((v, i) => (gx[r * n + i] = f(v * f(g[r * n + i] - d))));
        }
        return { x: gx };
      },
    }),
  matmul: () =>
    checkOp("matmul", {
      dims: { m: [1, 4], k: [1, 5], n: [1, 3] },
      inputs: ({ m, k, n }) => ({ a: [m, k], b: [k, n] }),
      forward: ({ a, b }) => a.matmul(b),
      backward: (g, { a, b }, { m, k, n }) => {
        const ga = new Float64Array(m * k),
          gb = new Float64Array(k * n);
        for (let i = 0; i < m; i++)
          for (let j = 0; j < n; j++)
            for (let l = 0; l < k; l++) {
              ga[i * k + l] += g[i * n + j] * b[l * n + j];
              gb[l * n + j] += g[i * n + j] * a[i * k + l];
            }
        return { a: ga, b: gb };
      },
    }),
  "cumsum formula": () =>
    checkOp("cumsum", {
      dims: { n: [1, 6] },
      inputs: ({ n }) => ({ x: [n] }),
      forward: ({ x }, { n }) =>
        x
          .reshape([1, n])
          .mul(
            x.constant(
              () => Float64Array.from({ length: n * n }, (_, i) => (i % n <= Math.floor(i / n) ? 1 : 0)),
              [n, n],
            ),
          )
          .sum([-1]),
      backward: (g) => {
        const r = new Float64Array(g.length);
        let s = 0;
        for (let i = g.length - 1; i >= 0; i--) r[i] = s += g[i];
        return { x: r };
      },
    }),
  "cumsum total minus prefix": () =>
    checkOp("cumsum", {
      dims: { n: [1, 6] },
      inputs: ({ n }) => ({ x: [n] }),
      forward: ({ x }, { n }) =>
        x
          .reshape([1, n])
          .mul(
            x.constant(
              () => Float64Array.from({ length: n * n }, (_, i) => (i % n <= Math.floor(i / n) ? 1 : 0)),
              [n, n],
            ),
          )
          .sum([-1]),
      backward: (g) => {
        let t = 0;
        for (const v of g) t += v;
        let p = 0;
        return {
          x: g.map((v) => {
            const r = t - p;
            p += v;
            return r;
          }),
        };
      },
    }),
  "cumsum plain": () =>
    checkOp("cumsum", {
      dims: { n: [1, 6] },
      inputs: ({ n }) => ({ x: [n] }),
      plainForward: ({ x }) => {
        let s = 0;
        return x.map((v) => (s += v));
      },
      backward: (g) => {
        const r = new Float64Array(g.length);
        let s = 0;
        for (let i = g.length - 1; i >= 0; i--) r[i] = s += g[i];
        return { x: r };
      },
    }),
  variance: () =>
    checkOp("var", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }) => x.center([-1]).square().mean([-1]),
      backward: (g, { x }, { n, eps }) => ({
        x: x.map((_, i) => {
          const r = Math.floor(i / n);
          return (2 * g[r] * norm(x, r, n, eps).c[i % n]) / n;
        }),
      }),
    }),
  "l2 normalise": () =>
    checkOp("l2", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }) => x.div(x.square().sum([-1], true).pow(0.5)),
      backward: (g, { x }, { N, n }) => {
        const gx = new Float64Array(x.length);
        for (let r = 0; r < N; r++) {
          const row = x.subarray(r * n, r * n + n);
          const h = Math.hypot(...row);
          let d = 0;
          row.forEach((v, i) => (d += (v / h) * g[r * n + i]));
          row.forEach((v, i) => (gx[r * n + i] = (g[r * n + i] - (v / h) * d) / h));
        }
        return { x: gx };
      },
    }),
};

describe("a right backward in another form", () => {
  test.each(Object.entries(right))(
    "%s passes",
    (_, check) => {
      expect(check().report).toMatch(/^ok /);
    },
    20_000,
  );
});
