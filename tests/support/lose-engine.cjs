/**
 * Preloaded (NODE_OPTIONS) into a process: the first engine that it starts is lost over its second piece of work. A GPU's device
 * is destroyed in the middle of it, any other engine's thread ends.
 */
const Module = require("node:module");
const { getEnvironmentData, isMainThread, parentPort, setEnvironmentData, workerData } = require("node:worker_threads");

const key = "engines started";
if (isMainThread) setEnvironmentData(key, new SharedArrayBuffer(4));
else if (workerData?.engine && Atomics.add(new Int32Array(getEnvironmentData(key)), 0, 1) === 0) loseOne();

function loseOne() {
  let device = null;
  keepDevice((made) => {
    device = made;
  });
  let pieces = 0;
  parentPort.on("message", ({ call }) => {
    if (!["gradients", "seeds"].includes(call) || ++pieces !== 2) return;
    if (!device) throw new Error("the engine is pulled out");
    const submit = device.queue.submit.bind(device.queue);
    device.queue.submit = (buffers) => {
      submit(buffers);
      device.destroy();
    };
  });
}

function keepDevice(keep) {
  const load = Module._load;
  Module._load = function (request, ...rest) {
    const loaded = load.call(this, request, ...rest);
    if (request !== "webgpu") return loaded;
    const create = (options) => {
      const gpu = loaded.create(options);
      const requestAdapter = gpu.requestAdapter.bind(gpu);
      gpu.requestAdapter = async (wanted) => {
        const adapter = await requestAdapter(wanted);
        if (!adapter) return adapter;
        const requestDevice = adapter.requestDevice.bind(adapter);
        adapter.requestDevice = async (description) => {
          const device = await requestDevice(description);
          keep(device);
          return device;
        };
        return adapter;
      };
      return gpu;
    };
    return { ...loaded, create };
  };
}
