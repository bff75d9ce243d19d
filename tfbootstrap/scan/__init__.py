"""Code -> the names of TensorFlow and Keras that it uses -> the TensorFlow minors that have them. Pure."""
