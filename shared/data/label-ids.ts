/** Label ids with a fixed meaning in every mask, pseudo-label and prediction. */
export const BACKGROUND = 0;
export const IGNORE = 255;
/** Class ids fit one byte below IGNORE. */
export const CLASS_COUNT_MAX = 254;
