"""What the machine does: CPU, memory and disk by psutil, NVIDIA cards by NVML."""
