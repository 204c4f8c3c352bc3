"""Send a finished run to the Hugging Face hub: which files go, their model card, and the sending."""

from sentiment.sharing.parcel import Parcel, pack_run
from sentiment.sharing.push import push_run, send_parcel

__all__ = ["Parcel", "pack_run", "push_run", "send_parcel"]
