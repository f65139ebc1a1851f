"""What several processes of one training agree on. With one process nothing is asked of anybody."""

from typing import Any


def join() -> bool:
    """Takes this process's place among those that a launcher started; whether it is the first (or only) one."""
    import torch
    from accelerate import PartialState

    return int(PartialState(cpu=not torch.cuda.is_available()).process_index) == 0


def barrier() -> None:
    """Waits for all processes."""
    if _several():
        import torch

        torch.distributed.barrier()


def any_rank(*flags: bool) -> list[bool]:
    """Each flag as the processes see it together: raised where one of them raised it. All call it at the same place."""
    if not _several():
        return list(flags)
    import torch

    told = torch.tensor([int(flag) for flag in flags], device=_device())
    torch.distributed.all_reduce(told, op=torch.distributed.ReduceOp.MAX)
    return [bool(flag) for flag in told.tolist()]


def of_first(value: Any) -> Any:
    """The value of process 0, for all: a sum that another process rounded differently decides nothing."""
    if not _several():
        return value
    import torch

    told = [value]
    torch.distributed.broadcast_object_list(told, src=0)
    return told[0]


def _several() -> bool:
    import torch

    here = torch.distributed
    return bool(here.is_available() and here.is_initialized() and here.get_world_size() > 1)


def _device() -> Any:
    import torch

    if torch.distributed.get_backend() == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")
