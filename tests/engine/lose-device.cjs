/** Preloaded: every WebGPU device is lost half a second after it was made. */
const Module = require("node:module");

const load = Module._load;
Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  return request === "webgpu" ? { ...loaded, create: (options) => losing(loaded.create(options)) } : loaded;
};

function losing(gpu) {
  const requestAdapter = gpu.requestAdapter.bind(gpu);
  gpu.requestAdapter = async (options) => {
    const adapter = await requestAdapter(options);
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (wanted) => {
      const device = await requestDevice(wanted);
      setTimeout(() => device.destroy(), 500);
      return device;
    };
    return adapter;
  };
  return gpu;
}
