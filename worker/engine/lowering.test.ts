/** What graphs become before TensorFlow gets them; that they compute the same, tests/engine/compiled.test.ts shows. */
import { describe, expect, test } from "vitest";
import { inBfloat16 } from "./bfloat16.js";
import { withBiasOps } from "./bias-ops.js";
import { bfloat16, float32, type GraphNode, GraphView } from "./graph-nodes.js";
import { withMatrixProducts } from "./matrix-products.js";

const T = { T: { type: float32 } };

function shapeOf(sizes: readonly number[]) {
  return { dim: sizes.map((size) => ({ size })) };
}

function placeholder(name: string, sizes: readonly number[]): GraphNode {
  return {
    name,
    op: "Placeholder",
    input: [],
    attr: { dtype: { type: float32 }, shape: { shape: shapeOf(sizes) } },
    shape: sizes,
  };
}

function integers(name: string, values: readonly number[]): GraphNode {
  const tensorContent = new Uint8Array(Int32Array.from(values).buffer);
  const tensor = { dtype: 3, tensorShape: shapeOf([values.length]), tensorContent };
  return { name, op: "Const", input: [], attr: { value: { tensor } } };
}

function node(name: string, op: string, input: readonly string[], attr: GraphNode["attr"] = T): GraphNode {
  return { name, op, input, attr };
}

/** Of a picture. */
function pictured(one: GraphNode, channels: number): GraphNode {
  return { ...one, shape: [2, 8, 8, channels] };
}

const image = placeholder("image", [2, 8, 8, 3]);
const bias = placeholder("bias", [4]);
const convolution = [
  image,
  bias,
  placeholder("filter", [3, 3, 3, 4]),
  pictured(node("conv", "Conv2D", ["image", "filter"]), 4),
];

function opsOf(nodes: readonly GraphNode[]): Record<string, string> {
  return Object.fromEntries(nodes.map(({ name, op, input }) => [name, `${op} ${input.join(" ")}`.trim()]));
}

describe("biases", () => {
  test.each([
    ["conv", "bias"],
    ["bias", "conv"],
  ])("of a convolution, added as %s + %s", (...input) => {
    expect(opsOf(withBiasOps([...convolution, node("sum", "Add", input)])).sum).toBe("BiasAdd conv bias");
  });

  test("of a depthwise one, seen as [1, 1, 1, C]", () => {
    const nodes = [
      ...[
        image,
        placeholder("filter", [3, 3, 3, 2]),
        pictured(node("conv", "DepthwiseConv2dNative", ["image", "filter"]), 6),
      ],
      ...[placeholder("bias", [6]), integers("shape", [1, 1, 1, 6]), node("wide", "Reshape", ["bias", "shape"])],
      node("sum", "Add", ["conv", "wide"]),
    ];
    expect(opsOf(withBiasOps(nodes)).sum).toBe("BiasAdd conv bias");
  });

  test.each([
    ["what is added to another thing than a convolution", [...convolution, node("sum", "Add", ["image", "bias"])]],
    ["another convolution", [...convolution, node("sum", "Add", ["conv", "conv"])]],
    ["a number for all channels", [...convolution, placeholder("one", [1]), node("sum", "Add", ["conv", "one"])]],
    [
      "one for every row",
      [
        ...[...convolution, integers("shape", [4, 1, 1]), node("rows", "Reshape", ["bias", "shape"])],
        node("sum", "Add", ["conv", "rows"]),
      ],
    ],
  ])("%s is none", (_, nodes) => {
    expect(withBiasOps(nodes)).toEqual(nodes);
  });

  const slope = placeholder("slope", [2, 8, 8, 4]);
  const gradient = [
    ...[image, slope, integers("sizes", [3, 3, 3, 4])],
    node("byFilter", "Conv2DBackpropFilter", ["image", "sizes", "slope"]),
  ];

  test("their gradient is the sum over images and pixels of what the filter's is made of", () => {
    const nodes = [...gradient, integers("axes", [0, 1, 2]), node("sum", "Sum", ["slope", "axes"])];
    const sum = withBiasOps(nodes).at(-1)!;
    expect(sum).toMatchObject({ op: "BiasAddGrad", input: ["slope"] });
    expect(Object.keys(sum.attr).sort()).toEqual(["T", "data_format"]);
  });

  test("the filter's gradient may be a product of matrices", () => {
    const transpose = { ...T, transpose_a: { b: true } };
    const nodes = [
      ...[image, slope, integers("rows", [-1, 4]), node("matrix", "Reshape", ["slope", "rows"])],
      ...[node("byFilter", "MatMul", ["image", "matrix"], transpose), integers("axes", [0, 1, 2])],
      node("sum", "Sum", ["slope", "axes"]),
    ];
    expect(withBiasOps(nodes).at(-1)).toMatchObject({ op: "BiasAddGrad", input: ["slope"] });
  });

  test.each([
    ["over other axes", [...gradient, integers("axes", [1, 2]), node("sum", "Sum", ["slope", "axes"])]],
    ["of another thing", [...gradient, integers("axes", [0, 1, 2]), node("sum", "Sum", ["image", "axes"])]],
    [
      "that keeps its axes",
      [
        ...[...gradient, integers("axes", [0, 1, 2])],
        node("sum", "Sum", ["slope", "axes"], { ...T, keep_dims: { b: true } }),
      ],
    ],
  ])("a sum %s is none", (_, nodes) => {
    expect(withBiasOps(nodes)).toEqual(nodes);
  });
});

describe("convolutions of one cell", () => {
  const strides = (down: number) => ({ ...T, strides: { list: { i: [1, down, down, 1] } } });
  const cell = placeholder("filter", [1, 1, 3, 4]);
  const product = pictured(node("conv", "Conv2D", ["image", "filter"], strides(1)), 4);
  const following = ["BiasAdd conv bias", "Relu6 sum", "Mean relu"].map((said, i) => {
    const [op, ...input] = said.split(" ") as [string, ...string[]];
    return pictured(node(["sum", "relu", "mean"][i]!, op, input), 4);
  });

  test("are matrix products, and what follows them sees matrices too", () => {
    const nodes = withMatrixProducts([image, bias, cell, product, ...following]);
    expect(opsOf(nodes)).toMatchObject({
      ...{ conv_pixels: "Reshape image size_any1_3", conv_matrix: "Reshape filter size_3_4" },
      ...{ conv_rows: "MatMul conv_pixels conv_matrix", conv: "Reshape conv_rows size_2_8_8_4" },
      ...{ sum_rows: "BiasAdd conv_rows bias", relu_rows: "Relu6 sum_rows", relu: "Reshape relu_rows size_2_8_8_4" },
      mean: "Mean relu",
    });
    const graph = new GraphView(nodes);
    const shapes = ["size_any1_3", "size_3_4", "size_2_8_8_4"].map((name) => graph.integersOf(name));
    expect(shapes).toEqual([
      [-1, 3],
      [3, 4],
      [2, 8, 8, 4],
    ]);
    expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
  });

  const back = placeholder("back", [1, 1, 4, 4]);
  const added = (...input: string[]) => pictured(node("added", "Add", input), 4);
  const again = pictured(node("again", "Conv2D", ["added", "back"], strides(1)), 4);

  test("take rows from each other, and from the sum of two of them", () => {
    const second = pictured(node("second", "Conv2D", ["sum", "back"], strides(1)), 4);
    const nodes = [image, bias, cell, product, following[0]!, back, second, added("second", "sum"), again];
    expect(opsOf(withMatrixProducts(nodes))).toMatchObject({
      second_rows: "MatMul sum_rows second_matrix",
      added_rows: "Add second_rows sum_rows",
      again_rows: "MatMul added_rows again_matrix",
    });
  });

  test("a sum of another thing is one of pixels", () => {
    const other = placeholder("other", [2, 8, 8, 4]);
    const ops = opsOf(withMatrixProducts([image, cell, product, other, back, added("conv", "other"), again]));
    expect(ops).toMatchObject({ added: "Add conv other", again_pixels: "Reshape added size_any1_4" });
  });

  test.each([
    ["that skips pixels", [image, cell, pictured(node("conv", "Conv2D", ["image", "filter"], strides(2)), 4)]],
    ["of several cells", convolution.map((one) => ({ ...one, attr: { ...one.attr, ...strides(1) } }))],
  ])("one %s stays one", (_, nodes) => {
    expect(withMatrixProducts(nodes)).toEqual(nodes);
  });
});

describe("bfloat16", () => {
  test("reaches from what a convolution takes in to what follows it, and no further", () => {
    const { nodes, output } = inBfloat16(
      [
        ...convolution,
        ...[node("sum", "BiasAdd", ["conv", "bias"]), node("relu", "Relu", ["sum"]), node("mean", "Mean", ["relu"])],
      ],
      "mean",
    );
    const ops = opsOf(nodes);
    expect(ops).toMatchObject({
      ...{ cast0: "Cast image", cast1: "Cast filter", conv: "Conv2D cast0 cast1" },
      ...{ cast2: "Cast bias", sum: "BiasAdd conv cast2", relu: "Relu sum" },
      ...{ cast3: "Cast relu", mean: "Mean cast3" },
    });
    expect(output).toBe("mean");
    const typeOf = (name: string) => nodes.find((one) => one.name === name)!.attr.T;
    expect(["conv", "sum", "relu", "mean"].map(typeOf)).toEqual(
      [bfloat16, bfloat16, bfloat16, float32].map((type) => ({ type })),
    );
  });

  test("a size stays a size, and what two want is cast once", () => {
    const nodes = [
      ...[image, placeholder("slope", [2, 8, 8, 4]), integers("sizes", [3, 3, 3, 4])],
      node("one", "Conv2DBackpropFilter", ["image", "sizes", "slope"]),
      node("other", "Conv2DBackpropFilter", ["image", "sizes", "slope"]),
    ];
    const ops = opsOf(inBfloat16(nodes, "one").nodes);
    expect(ops.one).toBe("Conv2DBackpropFilter cast0 sizes cast1");
    expect(ops.other).toBe(ops.one);
  });

  test("the graph's output is float32, and a ReLU of float32 stays as it is", () => {
    const { nodes, output } = inBfloat16([...convolution, node("relu", "Relu", ["image"])], "conv");
    expect(opsOf(nodes)).toMatchObject({ [output]: "Cast conv", relu: "Relu image" });
  });
});
