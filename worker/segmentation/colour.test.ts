import { expect, test } from "vitest";
import { withColours } from "./colour.js";

const red = [200, 30, 30];
const green = [30, 160, 40];
/** Ten pixels: five red (object), five green. */
const rgb = Uint8Array.from([...Array(5).fill(red), ...Array(5).fill(green)].flat());

/** [background, object] from the object's probabilities. */
const map = (object: number[]) => Float32Array.from(object.flatMap((p) => [1 - p, p]));
const objectOf = (values: Float32Array) => [...values].filter((_, i) => i % 2 === 1);

test("a missed pixel of the object's colour comes back, a halo of the background's colour goes", () => {
  const missedAndHalo = map([0.9, 0.9, 0.9, 0.9, 0.3, 0.7, 0.1, 0.1, 0.1, 0.1]);
  const object = objectOf(withColours(missedAndHalo, 2, rgb, 1));
  expect(object[4]).toBeGreaterThan(0.5);
  expect(object[5]).toBeLessThan(0.5);
});

test("two colours by hand: prior odds times the ratio of the classes' shares of the colour", () => {
  const object = [0.8, 0.8, 0.8, 0.8, 0.8, 0.2, 0.2, 0.2, 0.2, 0.2];
  // Far from each other in Lab, so each colour is one cluster: 4/5 of the object is red, 1/5 of the background is.
  const expected = (0.8 * 0.8) / (0.8 * 0.8 + 0.2 * 0.2);
  expect(objectOf(withColours(map(object), 2, rgb, 1))[0]).toBeCloseTo(expected, 3);
  const halfWeight = (0.8 * Math.sqrt(0.8)) / (0.8 * Math.sqrt(0.8) + 0.2 * Math.sqrt(0.2));
  expect(objectOf(withColours(map(object), 2, rgb, 0.5))[0]).toBeCloseTo(halfWeight, 3);
});

test("a photo of one colour tells nothing", () => {
  const object = [0.9, 0.6, 0.4, 0.1];
  const same = Uint8Array.from(Array(4).fill(green).flat());
  objectOf(withColours(map(object), 2, same, 1)).forEach((p, i) => {
    expect(p).toBeCloseTo(object[i]!, 5);
  });
});

test("probabilities sum to 1, and a class that is nowhere stays nowhere", () => {
  const three = Float32Array.from(Array(10).fill([0.6, 0.4, 0]).flat());
  const joined = withColours(three, 3, rgb, 1);
  for (let i = 0; i < 10; i++) {
    const [a, b, c] = [joined[i * 3]!, joined[i * 3 + 1]!, joined[i * 3 + 2]!];
    expect(a + b + c).toBeCloseTo(1, 5);
    expect(c).toBeLessThan(0.01);
  }
});
