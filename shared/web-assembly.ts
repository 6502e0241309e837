/** WebAssembly as Node has it; its types name it for browsers only. */
export interface WasmMemory<B extends ArrayBufferLike = ArrayBuffer> {
  readonly buffer: B;
  grow(pages: number): void;
}

interface WasmInstance {
  readonly exports: unknown;
}

/** The unit of a memory's size, bytes. */
export const wasmPageBytes = 65_536;

export const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: {
      new (size: { readonly initial: number }): WasmMemory;
      new (size: {
        readonly initial: number;
        readonly maximum: number;
        readonly shared: true;
      }): WasmMemory<SharedArrayBuffer>;
    };
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => WasmInstance;
    instantiate(bytes: Uint8Array, imports: object): Promise<{ readonly instance: WasmInstance }>;
  };
};
