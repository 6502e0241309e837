/**
 * Memory of one micro-batch, or of one photo that is predicted, for the next. TensorFlow takes what lies in a VectorMemory as it is,
 * and fresh pages for ten megabytes cost as much as drawing the pictures. Whatever is in it must be overwritten.
 */
import { VectorMemory } from "../../shared/math/vectors.js";

export class BatchRoom {
  private readonly kept: { pixels: Float32Array; answer: Float32Array; labels: Int32Array; photos: Int32Array } = {
    pixels: new Float32Array(0),
    answer: new Float32Array(0),
    labels: new Int32Array(0),
    photos: new Int32Array(0),
  };

  pixels(length: number): Float32Array {
    if (this.kept.pixels.length !== length) this.kept.pixels = floatsOf(length);
    return this.kept.pixels;
  }

  /** What the network says. */
  answer(length: number): Float32Array {
    if (this.kept.answer.length !== length) this.kept.answer = floatsOf(length);
    return this.kept.answer;
  }

  labels(length: number): Int32Array {
    if (this.kept.labels.length !== length) {
      const { buffer, byteOffset } = floatsOf(length);
      this.kept.labels = new Int32Array(buffer, byteOffset, length);
    }
    return this.kept.labels;
  }

  /** All of its buffer. */
  photos(length: number): Int32Array {
    if (this.kept.photos.length !== length) this.kept.photos = new Int32Array(length);
    return this.kept.photos;
  }
}

function floatsOf(length: number): Float32Array {
  return new VectorMemory(length).floats(length);
}
