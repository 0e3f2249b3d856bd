"""Specificity-aware GRPO.

accelerate launch --config_file recipes/launch/cpu.yaml recipes/grpo.py \\
    --config recipes/configs/grpo/demo.yaml run.seed=3
"""

from rlfg.training.main import launch

if __name__ == "__main__":
    from rlfg.training.config import GrpoConfig
    from rlfg.training.stages import run_grpo

    launch(GrpoConfig, run_grpo)
