// Original file: proto/seedgrow/v1/worker.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AttachReply as _seedgrow_v1_AttachReply, AttachReply__Output as _seedgrow_v1_AttachReply__Output } from '../../seedgrow/v1/AttachReply.js';
import type { AttachRequest as _seedgrow_v1_AttachRequest, AttachRequest__Output as _seedgrow_v1_AttachRequest__Output } from '../../seedgrow/v1/AttachRequest.js';
import type { DetachReply as _seedgrow_v1_DetachReply, DetachReply__Output as _seedgrow_v1_DetachReply__Output } from '../../seedgrow/v1/DetachReply.js';
import type { DetachRequest as _seedgrow_v1_DetachRequest, DetachRequest__Output as _seedgrow_v1_DetachRequest__Output } from '../../seedgrow/v1/DetachRequest.js';
import type { PingReply as _seedgrow_v1_PingReply, PingReply__Output as _seedgrow_v1_PingReply__Output } from '../../seedgrow/v1/PingReply.js';
import type { PingRequest as _seedgrow_v1_PingRequest, PingRequest__Output as _seedgrow_v1_PingRequest__Output } from '../../seedgrow/v1/PingRequest.js';
import type { WorkReply as _seedgrow_v1_WorkReply, WorkReply__Output as _seedgrow_v1_WorkReply__Output } from '../../seedgrow/v1/WorkReply.js';
import type { WorkRequest as _seedgrow_v1_WorkRequest, WorkRequest__Output as _seedgrow_v1_WorkRequest__Output } from '../../seedgrow/v1/WorkRequest.js';

export interface WorkerClient extends grpc.Client {
  Attach(argument: _seedgrow_v1_AttachRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_AttachReply__Output>): grpc.ClientUnaryCall;
  Attach(argument: _seedgrow_v1_AttachRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_seedgrow_v1_AttachReply__Output>): grpc.ClientUnaryCall;
  Attach(argument: _seedgrow_v1_AttachRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_AttachReply__Output>): grpc.ClientUnaryCall;
  Attach(argument: _seedgrow_v1_AttachRequest, callback: grpc.requestCallback<_seedgrow_v1_AttachReply__Output>): grpc.ClientUnaryCall;
  attach(argument: _seedgrow_v1_AttachRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_AttachReply__Output>): grpc.ClientUnaryCall;
  attach(argument: _seedgrow_v1_AttachRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_seedgrow_v1_AttachReply__Output>): grpc.ClientUnaryCall;
  attach(argument: _seedgrow_v1_AttachRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_AttachReply__Output>): grpc.ClientUnaryCall;
  attach(argument: _seedgrow_v1_AttachRequest, callback: grpc.requestCallback<_seedgrow_v1_AttachReply__Output>): grpc.ClientUnaryCall;
  
  Detach(argument: _seedgrow_v1_DetachRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_DetachReply__Output>): grpc.ClientUnaryCall;
  Detach(argument: _seedgrow_v1_DetachRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_seedgrow_v1_DetachReply__Output>): grpc.ClientUnaryCall;
  Detach(argument: _seedgrow_v1_DetachRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_DetachReply__Output>): grpc.ClientUnaryCall;
  Detach(argument: _seedgrow_v1_DetachRequest, callback: grpc.requestCallback<_seedgrow_v1_DetachReply__Output>): grpc.ClientUnaryCall;
  detach(argument: _seedgrow_v1_DetachRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_DetachReply__Output>): grpc.ClientUnaryCall;
  detach(argument: _seedgrow_v1_DetachRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_seedgrow_v1_DetachReply__Output>): grpc.ClientUnaryCall;
  detach(argument: _seedgrow_v1_DetachRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_DetachReply__Output>): grpc.ClientUnaryCall;
  detach(argument: _seedgrow_v1_DetachRequest, callback: grpc.requestCallback<_seedgrow_v1_DetachReply__Output>): grpc.ClientUnaryCall;
  
  Ping(argument: _seedgrow_v1_PingRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_PingReply__Output>): grpc.ClientUnaryCall;
  Ping(argument: _seedgrow_v1_PingRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_seedgrow_v1_PingReply__Output>): grpc.ClientUnaryCall;
  Ping(argument: _seedgrow_v1_PingRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_PingReply__Output>): grpc.ClientUnaryCall;
  Ping(argument: _seedgrow_v1_PingRequest, callback: grpc.requestCallback<_seedgrow_v1_PingReply__Output>): grpc.ClientUnaryCall;
  ping(argument: _seedgrow_v1_PingRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_PingReply__Output>): grpc.ClientUnaryCall;
  ping(argument: _seedgrow_v1_PingRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_seedgrow_v1_PingReply__Output>): grpc.ClientUnaryCall;
  ping(argument: _seedgrow_v1_PingRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_PingReply__Output>): grpc.ClientUnaryCall;
  ping(argument: _seedgrow_v1_PingRequest, callback: grpc.requestCallback<_seedgrow_v1_PingReply__Output>): grpc.ClientUnaryCall;
  
  Work(argument: _seedgrow_v1_WorkRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_WorkReply__Output>): grpc.ClientUnaryCall;
  Work(argument: _seedgrow_v1_WorkRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_seedgrow_v1_WorkReply__Output>): grpc.ClientUnaryCall;
  Work(argument: _seedgrow_v1_WorkRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_WorkReply__Output>): grpc.ClientUnaryCall;
  Work(argument: _seedgrow_v1_WorkRequest, callback: grpc.requestCallback<_seedgrow_v1_WorkReply__Output>): grpc.ClientUnaryCall;
  work(argument: _seedgrow_v1_WorkRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_WorkReply__Output>): grpc.ClientUnaryCall;
  work(argument: _seedgrow_v1_WorkRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_seedgrow_v1_WorkReply__Output>): grpc.ClientUnaryCall;
  work(argument: _seedgrow_v1_WorkRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_seedgrow_v1_WorkReply__Output>): grpc.ClientUnaryCall;
  work(argument: _seedgrow_v1_WorkRequest, callback: grpc.requestCallback<_seedgrow_v1_WorkReply__Output>): grpc.ClientUnaryCall;
  
}

export interface WorkerHandlers extends grpc.UntypedServiceImplementation {
  Attach: grpc.handleUnaryCall<_seedgrow_v1_AttachRequest__Output, _seedgrow_v1_AttachReply>;
  
  Detach: grpc.handleUnaryCall<_seedgrow_v1_DetachRequest__Output, _seedgrow_v1_DetachReply>;
  
  Ping: grpc.handleUnaryCall<_seedgrow_v1_PingRequest__Output, _seedgrow_v1_PingReply>;
  
  Work: grpc.handleUnaryCall<_seedgrow_v1_WorkRequest__Output, _seedgrow_v1_WorkReply>;
  
}

export interface WorkerDefinition extends grpc.ServiceDefinition {
  Attach: MethodDefinition<_seedgrow_v1_AttachRequest, _seedgrow_v1_AttachReply, _seedgrow_v1_AttachRequest__Output, _seedgrow_v1_AttachReply__Output>
  Detach: MethodDefinition<_seedgrow_v1_DetachRequest, _seedgrow_v1_DetachReply, _seedgrow_v1_DetachRequest__Output, _seedgrow_v1_DetachReply__Output>
  Ping: MethodDefinition<_seedgrow_v1_PingRequest, _seedgrow_v1_PingReply, _seedgrow_v1_PingRequest__Output, _seedgrow_v1_PingReply__Output>
  Work: MethodDefinition<_seedgrow_v1_WorkRequest, _seedgrow_v1_WorkReply, _seedgrow_v1_WorkRequest__Output, _seedgrow_v1_WorkReply__Output>
}
