"""Export a finished run as one ONNX file: the network, the vocabulary and the rules that cut a text.

import sentiment
sentiment.export_onnx("shipped", Path("model.onnx"))
"""
