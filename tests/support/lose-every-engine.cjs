/** Preloaded (NODE_OPTIONS) into a worker: every engine that it starts is lost as soon as it is ready. */
const { isMainThread, parentPort, workerData } = require("node:worker_threads");

if (!isMainThread && workerData?.engine) {
  const post = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (...message) => {
    post(...message);
    setImmediate(() => {
      throw new Error("the engine is pulled out");
    });
  };
}
