"""What a failed verification often means: words of the message, and the next step."""

KNOWN = {
    "driver version is insufficient": "Update the driver; or take a TensorFlow that fits it: "
    "tfbootstrap explain --driver V (V: what nvidia-smi shows).",
    "cuda_error_no_device": "See whether nvidia-smi lists the GPU; if not, install or load the driver.",
    "no kernel image is available for execution": "See which TensorFlow has code for the GPU: "
    "tfbootstrap explain --gpu NAME; take that one, or NVIDIA's own container.",
    "cudnn_status_not_initialized": "Let TensorFlow take memory as it needs it: TF_FORCE_GPU_ALLOW_GROWTH=true before "
    "Python starts; end other processes on the GPU (nvidia-smi lists them).",
    "dnn library is not found": "Install the cuDNN of this TensorFlow; tfbootstrap matrix show has the version, "
    "tfbootstrap lock --cuda wheels brings it.",
}
"""A copy of some of `compat_matrix/diagnoses/`, which a bootstrap can't read; a test compares them."""


def find_hint(text: str, otherwise: str) -> str:
    """Return the step that is known for the words of a text, else the other hint."""
    lower = text.lower()
    return next((step for words, step in KNOWN.items() if words in lower), otherwise)
