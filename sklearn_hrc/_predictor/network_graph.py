"""Steps on a GPU as one captured graph, which is launched as a whole.

The eighty kernels of a step are short. To launch them one by one takes ten times as long as their
work. A captured step reads and writes the same memory each time. So what differs between steps,
rows and learning rates, is copied to that memory before.
"""

import contextlib
import functools
import threading

import torch

from sklearn_hrc._predictor.network_steps import Batch, Net, Rows

__all__ = ["GraphNet", "place_rows", "training_stream"]

# Steps before the capture: libraries and the optimizer get their memory in them.
N_WARM_UP = 3
# Of the free memory, how much the rows may take.
ROWS_SHARE = 0.5


class GraphNet(Net):
    """Net whose steps replay a captured step, but for the first ones and those of fewer rows.

    The moving averages of the weights stay outside: their share changes from step to step, and
    a captured share would not.
    """

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Keep the rates where a captured step can read them."""
        super().on_train_begin(net, X, y, **kwargs)
        self.rows_, self.input_, self.replay_, self.n_steps_ = X, None, None, 0
        # Kernels take rates of this type alone.
        n_rates = len(self.optimizer_.param_groups)
        self.rates_ = list(torch.zeros(n_rates, dtype=torch.float32, device=self.device))

    def run_single_epoch(self, iterator, *args, **kwargs):
        """Train with the rates of this epoch."""
        if iterator is None:
            return
        for group, rate in zip(self.optimizer_.param_groups, self.rates_):
            # Some versions of torch's schedules put a number in the place of the tensor.
            group["lr"] = rate.fill_(float(group["lr"]))
        super().run_single_epoch(iterator.indices(), *args, **kwargs)

    def train_step(self, index):
        """Take a step with the rows of an index."""
        self.n_steps_ += 1
        if self.n_steps_ <= N_WARM_UP or len(index) < self.batch_size:
            super().train_step(self.rows_.batch(index))
            return
        if self.replay_ is None:
            self.input_ = self.rows_.input(self.batch_size)
            # What is captured does not run yet.
            with _capturable(self.optimizer_):
                self.replay_ = captured(self._step_of_input)
        self.input_.load(index)
        self.replay_()

    def _step_of_input(self):
        super().train_step(self.input_.batch())


@contextlib.contextmanager
def _capturable(optimizer):
    """Let an optimizer's step be captured. Outside a capture it would warn of the permission."""
    for group in optimizer.param_groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in optimizer.param_groups:
            group["capturable"] = False


def captured(step):
    """Capture what a function does on the device, and return a function that does it again."""
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    # In this mode other threads may use the device meanwhile.
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        step()
    return graph.replay


@contextlib.contextmanager
def training_stream(device):
    """Work on a stream other than the default one, on which nothing can be captured."""
    stream = _stream(device, threading.get_ident())
    stream.wait_stream(torch.cuda.current_stream(device))
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        stream.synchronize()


@functools.cache
def _stream(device, thread):
    """Return the stream of a thread, always the same, as torch keeps working memory for each."""
    return torch.cuda.Stream(device)


class DeviceRows(Rows):
    """Rows on the device, of which a captured step gathers its own."""

    def input(self, n_rows):
        """Return the input of a captured step."""
        return IndexInput(self, n_rows)


class IndexInput:
    """Input of a step whose rows are on the device: their index."""

    def __init__(self, rows, n_rows):
        self.rows = rows
        self.index = torch.zeros(n_rows, dtype=torch.int64, device=rows.folds.device)

    def load(self, index):
        """Say which rows are next."""
        self.index.copy_(index)

    def batch(self):
        """Return them."""
        return self.rows.batch(self.index)


class HostRows(Rows):
    """Rows in the host's memory, of which batches go to the device."""

    def __init__(self, *tensors, device):
        super().__init__(*tensors)
        self.device = device

    def batch(self, index):
        """Return some of the rows, on the device."""
        return Batch(*(self._sent(tensor, index) for tensor in self.tensors))

    def _sent(self, tensor, index):
        shape = len(index), *tensor.shape[1:]
        # From pinned memory a copy runs beside the steps; torch keeps it until it is done.
        pinned = torch.empty(shape, dtype=tensor.dtype, pin_memory=self.device.type == "cuda")
        torch.index_select(tensor, 0, index, out=pinned)
        return pinned.to(self.device, non_blocking=True)

    def input(self, n_rows):
        """Return the input of a captured step."""
        return BatchInput(self, n_rows)


class BatchInput:
    """Input of a step whose rows are sent to the device: all their values."""

    def __init__(self, rows, n_rows):
        self.rows = rows
        self.values = rows.batch(torch.zeros(n_rows, dtype=torch.int64))

    def load(self, index):
        """Send the rows that are next."""
        for value, fresh in zip(self.values, self.rows.batch(index)):
            value.copy_(fresh)

    def batch(self):
        """Return them."""
        return self.values


def place_rows(arrays, device):
    """Return rows on the GPU where it has room for them, otherwise in the host's memory."""
    tensors = [torch.from_numpy(array) for array in arrays]
    # What torch has reserved and does not use is free as well.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    room = torch.cuda.mem_get_info(device)[0] + kept
    if sum(array.nbytes for array in arrays) > ROWS_SHARE * room:
        return HostRows(*tensors, device=device)
    return DeviceRows(*(tensor.to(device) for tensor in tensors))
