// Original file: proto/seedgrow/v1/worker.proto


export interface AttachReply {
}

export interface AttachReply__Output {
}
