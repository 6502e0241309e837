/** What goes with an exported tfjs model: from its probabilities to the mask that `seedgrow predict` makes. */
export {
  type FinishConfig,
  labelsFrom,
  type Probabilities,
  rawLabelsFrom,
} from "../../worker/segmentation/prediction.js";
