"""Training steps in PyTorch eager: everything stays where it is, the batch is drawn once."""
import torch
from torch.nn import functional as F

from answer import answer, given_work
from networks import enlarged, images, open_network

work = given_work()
backbone, network = open_network(work)
trained = [p for part in (backbone, network) for p in part.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=1e-3)
x = images(work)
labels = torch.randint(0, 3, (work["batch"], work["size"], work["size"]))


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(enlarged(network(backbone(x)), work["size"]), labels)
    loss.backward()
    optimizer.step()
    loss.item()
    return work["batch"]


answer(f"PyTorch {torch.__version__}", step)
