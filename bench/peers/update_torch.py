"""Steps of PyTorch's AdamW, in float32, on one tensor. Like ours it makes the mean of a gradient sum and sees that it is finite."""
import torch

from answer import answer, given_work

work = given_work()
torch.set_num_threads(work["threads"])
values = torch.nn.Parameter(torch.ones(work["count"]))
total = ((torch.arange(work["count"]) * 7919) % 251 - 125) / 1e5
optimizer = torch.optim.AdamW([values], lr=1e-4, weight_decay=1e-3, fused=True)


def update():
    values.grad = total * 1.0
    assert values.grad.isfinite().all()
    optimizer.step()
    return work["count"] / 1e6


answer(f"PyTorch {torch.__version__}", update)
