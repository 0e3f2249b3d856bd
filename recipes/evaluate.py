"""Answers of a model to every picture of a dataset, over any number of processes.

accelerate launch --config_file recipes/launch/cpu2.yaml recipes/evaluate.py --config recipes/configs/evaluate/demo.yaml
rlfg score --taxonomy T --predictions P.jsonl --out DIR
"""

from rlfg.training.main import launch

if __name__ == "__main__":
    from eval.predict import PredictConfig
    from rlfg.training.evaluation import run_predict

    launch(PredictConfig, run_predict)
