"""Training steps in TensorFlow, one tf.function: loss, gradients and AdamW are one graph, the batch is drawn once."""
import tensorflow as tf

from answer import answer, given_work
from networks_tf import frozen, open_network

work = given_work()
backbone, network = open_network(work)
parts = (backbone, network) if work["backbone"] == "trained" else (network,)
trained = [variable for part in parts for variable in part.trainable_variables]
rate, decay, beta1, beta2 = 1e-4, 1e-3, 0.9, 0.999
moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in trained]
powers = tf.Variable(beta1), tf.Variable(beta2)
size = work["size"]
x = tf.random.uniform([work["batch"], size, size, 3], -1, 1)
labels = tf.random.uniform([work["batch"], size, size], 0, 3, tf.int32)
taps = backbone if work["backbone"] == "trained" else frozen(backbone, x)


def adamw(gradients):
    """One pass of Adam's kernel for every parameter, and one of decay. Its epsilon is beside the moment before the correction of bias."""
    for v, (first, second), gradient in zip(trained, moments, gradients):
        v.assign_sub(rate * decay * v)
        tf.raw_ops.ResourceApplyAdam(
            var=v.handle, m=first.handle, v=second.handle, beta1_power=powers[0], beta2_power=powers[1],
            lr=rate, beta1=beta1, beta2=beta2, epsilon=1e-8, grad=gradient,
        )
    powers[0].assign(powers[0] * beta1)
    powers[1].assign(powers[1] * beta2)


@tf.function
def step():
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(trained)
        logits = tf.image.resize(network(taps(x)), [size, size])
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    adamw(tape.gradient(loss, trained))
    return loss


def unit():
    float(step())
    return work["batch"]


answer(f"TensorFlow {tf.__version__}", unit)
