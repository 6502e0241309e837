// Original file: proto/seedgrow/v1/worker.proto


export interface DetachReply {
}

export interface DetachReply__Output {
}
