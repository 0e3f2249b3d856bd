"""Chain-of-thought SFT.

accelerate launch --config_file recipes/launch/cpu.yaml recipes/sft.py --config recipes/configs/sft/demo.yaml run.seed=3
"""

from rlfg.training.main import launch

if __name__ == "__main__":
    from rlfg.training.sft import SftTrainConfig
    from rlfg.training.stages import run_sft

    launch(SftTrainConfig, run_sft)
