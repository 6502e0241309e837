// Original file: proto/seedgrow/v1/worker.proto

import type { Lease as _seedgrow_v1_Lease, Lease__Output as _seedgrow_v1_Lease__Output } from '../../seedgrow/v1/Lease.js';
import type { Stage as _seedgrow_v1_Stage, Stage__Output as _seedgrow_v1_Stage__Output } from '../../seedgrow/v1/Stage.js';
import type { InitJob as _seedgrow_v1_InitJob, InitJob__Output as _seedgrow_v1_InitJob__Output } from '../../seedgrow/v1/InitJob.js';
import type { GradientJob as _seedgrow_v1_GradientJob, GradientJob__Output as _seedgrow_v1_GradientJob__Output } from '../../seedgrow/v1/GradientJob.js';
import type { SeedJob as _seedgrow_v1_SeedJob, SeedJob__Output as _seedgrow_v1_SeedJob__Output } from '../../seedgrow/v1/SeedJob.js';
import type { RefineJob as _seedgrow_v1_RefineJob, RefineJob__Output as _seedgrow_v1_RefineJob__Output } from '../../seedgrow/v1/RefineJob.js';
import type { EvaluateJob as _seedgrow_v1_EvaluateJob, EvaluateJob__Output as _seedgrow_v1_EvaluateJob__Output } from '../../seedgrow/v1/EvaluateJob.js';
import type { ReduceJob as _seedgrow_v1_ReduceJob, ReduceJob__Output as _seedgrow_v1_ReduceJob__Output } from '../../seedgrow/v1/ReduceJob.js';
import type { ApplyJob as _seedgrow_v1_ApplyJob, ApplyJob__Output as _seedgrow_v1_ApplyJob__Output } from '../../seedgrow/v1/ApplyJob.js';
import type { Exchange as _seedgrow_v1_Exchange, Exchange__Output as _seedgrow_v1_Exchange__Output } from '../../seedgrow/v1/Exchange.js';
import type { WeightsChange as _seedgrow_v1_WeightsChange, WeightsChange__Output as _seedgrow_v1_WeightsChange__Output } from '../../seedgrow/v1/WeightsChange.js';
import type { LocalJob as _seedgrow_v1_LocalJob, LocalJob__Output as _seedgrow_v1_LocalJob__Output } from '../../seedgrow/v1/LocalJob.js';

export interface WorkRequest {
  'lease'?: (_seedgrow_v1_Lease | null);
  'key'?: (string);
  'stage'?: (_seedgrow_v1_Stage | null);
  'weightsDigest'?: (string);
  'init'?: (_seedgrow_v1_InitJob | null);
  'gradient'?: (_seedgrow_v1_GradientJob | null);
  'seed'?: (_seedgrow_v1_SeedJob | null);
  'refine'?: (_seedgrow_v1_RefineJob | null);
  'evaluate'?: (_seedgrow_v1_EvaluateJob | null);
  'reduce'?: (_seedgrow_v1_ReduceJob | null);
  'apply'?: (_seedgrow_v1_ApplyJob | null);
  'exchange'?: (_seedgrow_v1_Exchange | null);
  'change'?: (_seedgrow_v1_WeightsChange | null);
  'local'?: (_seedgrow_v1_LocalJob | null);
  'checksums'?: (boolean);
  'job'?: "init"|"gradient"|"seed"|"refine"|"evaluate"|"reduce"|"apply"|"local";
}

export interface WorkRequest__Output {
  'lease': (_seedgrow_v1_Lease__Output | null);
  'key': (string);
  'stage': (_seedgrow_v1_Stage__Output | null);
  'weightsDigest': (string);
  'init'?: (_seedgrow_v1_InitJob__Output | null);
  'gradient'?: (_seedgrow_v1_GradientJob__Output | null);
  'seed'?: (_seedgrow_v1_SeedJob__Output | null);
  'refine'?: (_seedgrow_v1_RefineJob__Output | null);
  'evaluate'?: (_seedgrow_v1_EvaluateJob__Output | null);
  'reduce'?: (_seedgrow_v1_ReduceJob__Output | null);
  'apply'?: (_seedgrow_v1_ApplyJob__Output | null);
  'exchange': (_seedgrow_v1_Exchange__Output | null);
  'change': (_seedgrow_v1_WeightsChange__Output | null);
  'local'?: (_seedgrow_v1_LocalJob__Output | null);
  'checksums': (boolean);
  'job'?: "init"|"gradient"|"seed"|"refine"|"evaluate"|"reduce"|"apply"|"local";
}
