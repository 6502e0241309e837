"""The exchange of a training step as torch.distributed does it: Gloo's all-reduce, then every process updates its parameters."""
import os
import socket

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from answer import answer, given_work

work = given_work()


def open_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def join(rank, port):
    """A function that takes part in one exchange, or ends; rank 0 says which."""
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    dist.init_process_group("gloo", rank=rank, world_size=work["workers"])
    parameters = torch.zeros(work["count"], requires_grad=True)
    parameters.grad = torch.rand(work["count"])
    optimizer = torch.optim.AdamW([parameters], lr=1e-4, weight_decay=1e-3)

    def exchange(go=True):
        word = torch.tensor([float(go)])
        dist.broadcast(word, 0)
        if word.item() == 0:
            return 0
        dist.all_reduce(parameters.grad)
        parameters.grad /= work["workers"]
        optimizer.step()
        return 1

    return exchange


def follow(rank, port):
    exchange = join(rank + 1, port)
    while exchange():
        pass


if __name__ == "__main__":
    port = open_port()
    others = mp.spawn(follow, (port,), work["workers"] - 1, join=False)
    lead = join(0, port)
    answer(f"PyTorch {torch.__version__}, Gloo", lead)
    lead(False)
    others.join()
