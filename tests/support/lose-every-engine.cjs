/** Preloaded (NODE_OPTIONS) into a worker: every engine that it starts is lost soon after it is ready. */
const { isMainThread, parentPort, workerData } = require("node:worker_threads");

if (!isMainThread && workerData?.engine) {
  const post = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (...message) => {
    post(...message);
    // An engine that ends before its greeting is read has not started.
    setTimeout(() => {
      throw new Error("the engine is pulled out");
    }, 500);
  };
}
