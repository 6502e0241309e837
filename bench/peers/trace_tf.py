"""Times the operations of a saved graph: argv 1: folder of a SavedModel, 2: name of its output, 3: threads, 4: steps. Prints JSON."""
import collections
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import numpy as np
import tensorflow.compat.v1 as tf

folder, output, threads, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
tf.disable_eager_execution()


def given(node, rng):
    """Numbers in the place of photos, parameters and labels."""
    shape = [dim.size for dim in node.attr["shape"].shape.dim]
    is_float = node.attr["dtype"].type == tf.float32.as_datatype_enum
    return rng.normal(0, 0.1, shape).astype("float32") if is_float else rng.integers(0, 3, shape, "int32")


def traced(session, feed):
    metadata = tf.RunMetadata()
    session.run(f"{output}:0", feed, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=metadata)
    spent, calls = collections.Counter(), collections.Counter()
    for device in metadata.step_stats.dev_stats:
        for one in device.node_stats:
            op = one.timeline_label.split(" = ")[-1].split("(")[0] if " = " in one.timeline_label else one.node_name
            spent[op] += (one.op_end_rel_micros - one.op_start_rel_micros) / 1000
            calls[op] += 1
    return spent, calls


with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)) as session:
    graph = tf.saved_model.load(session, ["serve"], folder).graph_def
    rng = np.random.default_rng(0)
    feed = {f"{node.name}:0": given(node, rng) for node in graph.node if node.op == "Placeholder"}
    for _ in range(3):
        session.run(f"{output}:0", feed)
    runs = [traced(session, feed) for _ in range(steps)]
names = {name for spent, _ in runs for name in spent}
rows = [{"name": name, "calls": runs[-1][1][name], "ms": float(np.median([spent[name] for spent, _ in runs]))} for name in names]
print(json.dumps(rows))
