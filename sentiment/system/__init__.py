"""What touches the machine: files, signals, processes, devices, memory, the terminal."""
