"""Training steps in PyTorch, eager or compiled, in f32 or bf16: everything stays where it is, the batch is drawn once."""
import torch
from torch.nn import functional as F

from answer import answer, given_work
from networks import enlarged, images, open_network

work = given_work()
device = work.get("device", "cpu")
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = work.get("tf32", False)
torch.backends.cudnn.benchmark = True
backbone, network = (part.to(device) for part in open_network(work))
trained = [p for part in (backbone, network) for p in part.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=1e-3)
x = images(work).to(device)
labels = torch.randint(0, 3, (work["batch"], work["size"], work["size"])).to(device)


def loss_of(x, labels):
    with torch.autocast(device, dtype=torch.bfloat16, enabled=work.get("bf16", False)):
        return F.cross_entropy(enlarged(network(backbone(x)), work["size"]), labels)


if work.get("compiled", False):
    loss_of = torch.compile(loss_of)


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(x, labels)
    loss.backward()
    if not work.get("gradientOnly", False):
        optimizer.step()
    loss.item()
    return work["batch"]


name = torch.cuda.get_device_name() if device == "cuda" else device
answer(f"PyTorch {torch.__version__}, {name}", step)
