"""Answers of a model to a dataset by a protocol, over any number of processes.

accelerate launch --config_file recipes/launch/cpu2.yaml recipes/evaluate.py --config recipes/configs/evaluate/demo.yaml
rlfg score --taxonomy T --predictions P.jsonl --out DIR   # open generation
rlfg tally --predictions P.jsonl --out DIR                # closed questions
"""

from rlfg.training.main import launch

if __name__ == "__main__":
    from eval.predict import PredictConfig
    from rlfg.training.evaluation import run_predict

    launch(PredictConfig, run_predict)
