/** What every engine is measured with: one micro-batch of the segmenter. */
export const batchSize = 8;
/** Pixels. */
export const cropSize = 96;
export const standardStep = `gradient of ${batchSize} crops of ${cropSize} px, built-in network and DFN, 1 thread`;
