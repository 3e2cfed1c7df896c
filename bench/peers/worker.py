"""The worker's own loop on a bare socket, without a sandbox: the Python half of the ping-pong.

python3 -I -S worker.py RUNTIME_FOLDER SOCKET
"""

import os
import socket
import sys

sys.path.insert(0, sys.argv[1])
from berth_runtime import worker

channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
channel.connect(sys.argv[2])
os._exit(worker.begin()(channel))
