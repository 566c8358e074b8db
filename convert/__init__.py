"""From human scores to the .tflite: training, quantisation, export and their proofs.

Every step is a module with a function for scripts and a command for people:
``edgeiqa convert STEP``. Heavy libraries are imported inside functions, so that importing this
package costs nothing. The runtime package ``edgeiqa`` never imports this one.
"""
