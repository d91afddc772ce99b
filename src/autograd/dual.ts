import { describeValue } from "./format.ts";
import { Num, powSlope } from "./num.ts";
import type { Index, Values } from "./num.ts";
import type { Shape } from "./shape.ts";

/**
 * A value and its tangent: forward mode. A formula that is read with `Dual<A>` carries the directional derivative J·v
 * along with its result, exactly and with no step size. `A` may be a `Dual` itself, for second order.
 *
 * @example
 * const x = new Dual(tensor([2]).value, tensor([1]).value); // at 2, moving with speed 1
 * x.square().tangent.data; // Float64Array [4]
 */
export class Dual<A extends Num<A>> extends Num<Dual<A>> {
  readonly primal: A;
  readonly tangent: A;

  constructor(primal: A, tangent: A) {
    super();
    this.primal = primal;
    this.tangent = tangent;
  }

  get shape(): Shape {
    return this.primal.shape;
  }

  protected override self(): this {
    return this;
  }

  override add(other: Dual<A> | number): Dual<A> {
    if (typeof other === "number") return new Dual(this.primal.add(other), this.tangent);
    return this.both(checkDual("add", other), (a, b) => a.add(b));
  }

  override mul(other: Dual<A> | number): Dual<A> {
    if (typeof other === "number") return this.linear((a) => a.mul(other));
    checkDual("mul", other);
    const tangent = this.tangent.mul(other.primal).add(this.primal.mul(other.tangent));
    return new Dual(this.primal.mul(other.primal), tangent);
  }

  override div(other: Dual<A> | number): Dual<A> {
    if (typeof other === "number") return this.linear((a) => a.div(other));
    checkDual("div", other);
    const quotient = this.primal.div(other.primal);
    return new Dual(quotient, this.tangent.sub(quotient.mul(other.tangent)).div(other.primal));
  }

  override pow(exponent: number): Dual<A> {
    return this.chain(this.primal.pow(exponent), () => powSlope(this.primal, exponent));
  }

  override exp(): Dual<A> {
    return this.chain(this.primal.exp(), (y) => y);
  }

  override log(): Dual<A> {
    return new Dual(this.primal.log(), this.tangent.div(this.primal));
  }

  override tanh(): Dual<A> {
    return this.chain(this.primal.tanh(), (y) => y.square().neg().add(1));
  }

  override erf(): Dual<A> {
    return this.chain(this.primal.erf(), () =>
      this.primal
        .square()
        .neg()
        .exp()
        .mul(2 / Math.sqrt(Math.PI)),
    );
  }

  override rsqrtOrZero(): Dual<A> {
    return this.chain(this.primal.rsqrtOrZero(), (y) => y.square().mul(y).mul(-0.5));
  }

  override sum(dims?: readonly number[], keepdim?: boolean): Dual<A> {
    return this.linear((a) => a.sum(dims, keepdim));
  }

  override mean(dims?: readonly number[], keepdim?: boolean): Dual<A> {
    return this.linear((a) => a.mean(dims, keepdim));
  }

  override center(dims: readonly number[]): Dual<A> {
    return this.linear((a) => a.center(dims));
  }

  override reshape(shape: Shape): Dual<A> {
    return this.linear((a) => a.reshape(shape));
  }

  override permute(dims: readonly number[]): Dual<A> {
    return this.linear((a) => a.permute(dims));
  }

  override expand(shape: Shape): Dual<A> {
    return this.linear((a) => a.expand(shape));
  }

  override concat(others: readonly Dual<A>[], dim: number): Dual<A> {
    return new Dual(
      this.primal.concat(
        others.map((other) => other.primal),
        dim,
      ),
      this.tangent.concat(
        others.map((other) => other.tangent),
        dim,
      ),
    );
  }

  override take(index: Index): Dual<A> {
    if (typeof index !== "function") return this.linear((a) => a.take(index));
    let chosen = new Int32Array();
    const primal = this.primal.take((values) => (chosen = new Int32Array(index(values))));
    return new Dual(primal, this.tangent.take(chosen));
  }

  override putAdd(index: Int32Array, length: number): Dual<A> {
    return this.linear((a) => a.putAdd(index, length));
  }

  override constant(make: (values: Values) => ArrayLike<number>, shape?: Shape): Dual<A> {
    return still(this.primal.constant(make, shape));
  }

  override detach(): Dual<A> {
    return still(this.primal.detach());
  }

  protected override batchedMatmul(other: Dual<A>): Dual<A> {
    const tangent = this.tangent.matmul(other.primal).add(this.primal.matmul(other.tangent));
    return new Dual(this.primal.matmul(other.primal), tangent);
  }

  /** f(x) and f′(x) · ẋ */
  private chain(primal: A, slope: (primal: A) => A): Dual<A> {
    return new Dual(primal, slope(primal).mul(this.tangent));
  }

  /** A linear map does to the tangent what it does to the value. */
  private linear(map: (array: A) => A): Dual<A> {
    return new Dual(map(this.primal), map(this.tangent));
  }

  private both(other: Dual<A>, map: (a: A, b: A) => A): Dual<A> {
    return new Dual(map(this.primal, other.primal), map(this.tangent, other.tangent));
  }
}

/** A formula's operands are read alike: a tensor from outside of it has no tangent. */
function checkDual<A extends Num<A>>(name: string, other: Dual<A>): Dual<A> {
  if (other instanceof Dual) return other;
  throw new TypeError(
    `${name}: expected a number or a dual number, as the formula's inputs are, got ${describeValue(other)}`,
  );
}

/** A value that does not move. */
function still<A extends Num<A>>(primal: A): Dual<A> {
  return new Dual(
    primal,
    primal.constant((values) => new Float64Array(values.length)),
  );
}
