import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ApplyJob as _seedgrow_v1_ApplyJob, ApplyJob__Output as _seedgrow_v1_ApplyJob__Output } from './seedgrow/v1/ApplyJob.js';
import type { AttachReply as _seedgrow_v1_AttachReply, AttachReply__Output as _seedgrow_v1_AttachReply__Output } from './seedgrow/v1/AttachReply.js';
import type { AttachRequest as _seedgrow_v1_AttachRequest, AttachRequest__Output as _seedgrow_v1_AttachRequest__Output } from './seedgrow/v1/AttachRequest.js';
import type { DetachReply as _seedgrow_v1_DetachReply, DetachReply__Output as _seedgrow_v1_DetachReply__Output } from './seedgrow/v1/DetachReply.js';
import type { DetachRequest as _seedgrow_v1_DetachRequest, DetachRequest__Output as _seedgrow_v1_DetachRequest__Output } from './seedgrow/v1/DetachRequest.js';
import type { EvaluateJob as _seedgrow_v1_EvaluateJob, EvaluateJob__Output as _seedgrow_v1_EvaluateJob__Output } from './seedgrow/v1/EvaluateJob.js';
import type { Exchange as _seedgrow_v1_Exchange, Exchange__Output as _seedgrow_v1_Exchange__Output } from './seedgrow/v1/Exchange.js';
import type { GradientJob as _seedgrow_v1_GradientJob, GradientJob__Output as _seedgrow_v1_GradientJob__Output } from './seedgrow/v1/GradientJob.js';
import type { InitJob as _seedgrow_v1_InitJob, InitJob__Output as _seedgrow_v1_InitJob__Output } from './seedgrow/v1/InitJob.js';
import type { Lease as _seedgrow_v1_Lease, Lease__Output as _seedgrow_v1_Lease__Output } from './seedgrow/v1/Lease.js';
import type { LocalJob as _seedgrow_v1_LocalJob, LocalJob__Output as _seedgrow_v1_LocalJob__Output } from './seedgrow/v1/LocalJob.js';
import type { Output as _seedgrow_v1_Output, Output__Output as _seedgrow_v1_Output__Output } from './seedgrow/v1/Output.js';
import type { Peer as _seedgrow_v1_Peer, Peer__Output as _seedgrow_v1_Peer__Output } from './seedgrow/v1/Peer.js';
import type { PingReply as _seedgrow_v1_PingReply, PingReply__Output as _seedgrow_v1_PingReply__Output } from './seedgrow/v1/PingReply.js';
import type { PingRequest as _seedgrow_v1_PingRequest, PingRequest__Output as _seedgrow_v1_PingRequest__Output } from './seedgrow/v1/PingRequest.js';
import type { ReduceAhead as _seedgrow_v1_ReduceAhead, ReduceAhead__Output as _seedgrow_v1_ReduceAhead__Output } from './seedgrow/v1/ReduceAhead.js';
import type { ReduceJob as _seedgrow_v1_ReduceJob, ReduceJob__Output as _seedgrow_v1_ReduceJob__Output } from './seedgrow/v1/ReduceJob.js';
import type { RefineJob as _seedgrow_v1_RefineJob, RefineJob__Output as _seedgrow_v1_RefineJob__Output } from './seedgrow/v1/RefineJob.js';
import type { SeedJob as _seedgrow_v1_SeedJob, SeedJob__Output as _seedgrow_v1_SeedJob__Output } from './seedgrow/v1/SeedJob.js';
import type { Slice as _seedgrow_v1_Slice, Slice__Output as _seedgrow_v1_Slice__Output } from './seedgrow/v1/Slice.js';
import type { Stage as _seedgrow_v1_Stage, Stage__Output as _seedgrow_v1_Stage__Output } from './seedgrow/v1/Stage.js';
import type { Summand as _seedgrow_v1_Summand, Summand__Output as _seedgrow_v1_Summand__Output } from './seedgrow/v1/Summand.js';
import type { SumsAhead as _seedgrow_v1_SumsAhead, SumsAhead__Output as _seedgrow_v1_SumsAhead__Output } from './seedgrow/v1/SumsAhead.js';
import type { WeightsChange as _seedgrow_v1_WeightsChange, WeightsChange__Output as _seedgrow_v1_WeightsChange__Output } from './seedgrow/v1/WeightsChange.js';
import type { WorkReply as _seedgrow_v1_WorkReply, WorkReply__Output as _seedgrow_v1_WorkReply__Output } from './seedgrow/v1/WorkReply.js';
import type { WorkRequest as _seedgrow_v1_WorkRequest, WorkRequest__Output as _seedgrow_v1_WorkRequest__Output } from './seedgrow/v1/WorkRequest.js';
import type { WorkerClient as _seedgrow_v1_WorkerClient, WorkerDefinition as _seedgrow_v1_WorkerDefinition } from './seedgrow/v1/Worker.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  seedgrow: {
    v1: {
      ApplyJob: MessageTypeDefinition<_seedgrow_v1_ApplyJob, _seedgrow_v1_ApplyJob__Output>
      AttachReply: MessageTypeDefinition<_seedgrow_v1_AttachReply, _seedgrow_v1_AttachReply__Output>
      AttachRequest: MessageTypeDefinition<_seedgrow_v1_AttachRequest, _seedgrow_v1_AttachRequest__Output>
      DetachReply: MessageTypeDefinition<_seedgrow_v1_DetachReply, _seedgrow_v1_DetachReply__Output>
      DetachRequest: MessageTypeDefinition<_seedgrow_v1_DetachRequest, _seedgrow_v1_DetachRequest__Output>
      EvaluateJob: MessageTypeDefinition<_seedgrow_v1_EvaluateJob, _seedgrow_v1_EvaluateJob__Output>
      Exchange: MessageTypeDefinition<_seedgrow_v1_Exchange, _seedgrow_v1_Exchange__Output>
      GradientJob: MessageTypeDefinition<_seedgrow_v1_GradientJob, _seedgrow_v1_GradientJob__Output>
      InitJob: MessageTypeDefinition<_seedgrow_v1_InitJob, _seedgrow_v1_InitJob__Output>
      Lease: MessageTypeDefinition<_seedgrow_v1_Lease, _seedgrow_v1_Lease__Output>
      LocalJob: MessageTypeDefinition<_seedgrow_v1_LocalJob, _seedgrow_v1_LocalJob__Output>
      Output: MessageTypeDefinition<_seedgrow_v1_Output, _seedgrow_v1_Output__Output>
      Peer: MessageTypeDefinition<_seedgrow_v1_Peer, _seedgrow_v1_Peer__Output>
      PingReply: MessageTypeDefinition<_seedgrow_v1_PingReply, _seedgrow_v1_PingReply__Output>
      PingRequest: MessageTypeDefinition<_seedgrow_v1_PingRequest, _seedgrow_v1_PingRequest__Output>
      ReduceAhead: MessageTypeDefinition<_seedgrow_v1_ReduceAhead, _seedgrow_v1_ReduceAhead__Output>
      ReduceJob: MessageTypeDefinition<_seedgrow_v1_ReduceJob, _seedgrow_v1_ReduceJob__Output>
      RefineJob: MessageTypeDefinition<_seedgrow_v1_RefineJob, _seedgrow_v1_RefineJob__Output>
      SeedJob: MessageTypeDefinition<_seedgrow_v1_SeedJob, _seedgrow_v1_SeedJob__Output>
      Slice: MessageTypeDefinition<_seedgrow_v1_Slice, _seedgrow_v1_Slice__Output>
      Stage: MessageTypeDefinition<_seedgrow_v1_Stage, _seedgrow_v1_Stage__Output>
      Summand: MessageTypeDefinition<_seedgrow_v1_Summand, _seedgrow_v1_Summand__Output>
      SumsAhead: MessageTypeDefinition<_seedgrow_v1_SumsAhead, _seedgrow_v1_SumsAhead__Output>
      WeightsChange: MessageTypeDefinition<_seedgrow_v1_WeightsChange, _seedgrow_v1_WeightsChange__Output>
      WorkReply: MessageTypeDefinition<_seedgrow_v1_WorkReply, _seedgrow_v1_WorkReply__Output>
      WorkRequest: MessageTypeDefinition<_seedgrow_v1_WorkRequest, _seedgrow_v1_WorkRequest__Output>
      Worker: SubtypeConstructor<typeof grpc.Client, _seedgrow_v1_WorkerClient> & { service: _seedgrow_v1_WorkerDefinition }
    }
  }
}

