"""What people say of machines, of several of them, of number formats and of devices."""

from __future__ import annotations

from typing import Final

WAYS: Final[dict[str, tuple[str, ...]]] = {
    "hang": (
        r"\b(progress bar|bar|it)\b[^.;]{0,20}\b(stays|remains|sits|stops)\b[^.;]{0,30}\b(step|0|zero"
        r"|hours|minutes|first)",
        r"\b0 ?%.{0,60}\bfor \w+ (hours|minutes)\b",
        r"\b(hang|hangs|hanging|hung|freez(?:es?|ing)(?! (?:the |a |all |its )?(?:\w+ )?(?:lora"
        r"|adapters?|weights?|param|default|layers?|model))|froze|stall\w*|deadlock\w*|unresponsive)\b",
        r"\bstuck\b(?! in (a|an) )",
        r"\b(at|stays? (at|on)) 0 ?%",
        r"\b(stands?|standing|stood) still\b",
        r"\bno (progress|output|movement|logs?)\b(?! \w*files?)",
        r"\b(never|n't|not) (start\w*|progress\w*|finish\w*|return\w*|advance\w*|proceed\w*|move\w* on"
        r"|complet\w*)\b",
        r"\btakes? forever\b",
        r"\bwaits? (forever|endlessly)\b",
        r"\bdo(es)?(n't| not) (start|progress|proceed|advance)\b",
    ),
    "slow": (
        r"\b\d{2,} ?s/it\b|\b(training|epoch|step|iteration)s? time\b[^.;]{0,20}\b(explod|increas|grow"
        r"|doubl|balloon)\w*|\bas slow\b",
        r"\bgpu[- ]?util\w*[: ]+(at )?0\b",
        r"\b(slow(s|er|ly|ed|ing|down|ness)?|slow-?downs?|sluggish)\b",
        r"\b(\d+|two|three|five|ten|several|many) ?(x|times|fold) (as )?(slower|longer|long)\b",
        r"\btakes? (\w+ ){0,3}(hours|days|ages|too long|longer|long)\b",
        r"\b(throughput|speed|it/s|tokens? per second)\b[^.;]{0,30}\b(drop\w*|collaps\w*|fall\w*|low"
        r"|decreas\w*)",
        r"\blow (gpu )?util\w*",
        r"\butili[sz]ation\b[^.;]{0,20}\b(0|low|zero|idle)\b",
        r"\bgpus? (is|are|sits?|stays?) idle\b",
        r"\b(minutes|hours) (per|for each|an?) (step|iteration)\b",
    ),
    "step_time": (r"\b(step|iteration|it/s|s/it|per step|step 0|first step)\b",),
    "many_gpus": (
        r"\bmulti[- ]?(gpu|node|card)\w*\b",
        r"\b(two|2|three|3|4|four|6|8|eight|16|several|multiple|more than one|many|all|across) (gpus"
        r"|cards|nodes|processes|ranks|machines)\b",
    ),
    "launcher": (
        r"\brank \d\b|\[rank ?\d",
        r"\b(ddp|torchrun|fsdp2?|nccl|gloo|zero[- ]?[123]|deepspeed|ranks|world[ _-]?size|rendezvous)\b",
        r"\b(accelerate|deepspeed) launch\w*\b",
        r"\bdistributed\b",
        r"\bmaster (port|address|node)\b",
    ),
    "one_gpu_fine": (r"\b(single|one|1) (gpu|card|process|device)\b",),
    "timeout": (
        r"\btime[sd]?[- ]?outs?\b",
        r"\bwatchdog\b",
        r"\bbarrier\b",
        r"\bcollective\b",
        r"\b(30 min\w*|1800 ?s\w*)\b",
    ),
    "unused_params": (
        r"\bunused (param\w*|weights?)\b",
        r"\bparameters?\b[^.;]{0,40}\b(not used|unused|ready (only )?(once|twice)|twice)\b",
        r"\bmarked (as )?ready\b",
        r"\bfind_unused\w*",
    ),
    "tokenize": (
        r"\b(tokeni[sz]\w+ (the |a |of |on )?(data\w*|rows|corpus|samples)|preprocess\w*"
        r"|running tokenizer|dataset\.map|map\(\)|data preparation|still tokeni[sz]ing)\b",
        r"\btokeni[sz]ation\b(?! mismatch)",
    ),
    "workers": (r"\b(workers?|num_proc|multi-?process\w*|processes|num_workers|subprocess\w*)\b",),
    "pickle": (r"\b(un)?pickl\w+", r"\bpickable\b", r"\bserial[iz|is]+\w*", r"\bdill\b"),
    "fails": (
        r"\bnot know\b",
        r"\b(fail\w*|errors?|crash\w*|cannot|can't|refus\w*|abort\w*|rais(e|es|ed)|reject\w*|dies|died"
        r"|breaks?|impossible|complain\w*|stops?|stopped|exception|unable|invalid)\b",
    ),
    "dtype": (
        r"\b(dtypes?|data types?|scalar types?|torch_dtype)\b",
        r"\b(fp|float|bfloat|bf|int)(8|16|32)\b",
        r"\b(half|full|single|mixed) precision\b",
        r"\bhalf\b(?! (right|of|an?|the|correct|as|way|over))",
    ),
    "clash": (
        r"\b(mismatch\w*|match(es)?|differ\w*|different|disagree\w*|expected|incompatible|instead of"
        r"|same|only supports?|while|whereas|but)\b",
    ),
    "unscale": (r"\b(gradient|loss) scaler\b", r"\bunscal\w+", r"\bgrad ?scaler\b"),
    "flash": (r"\bflash[- _]?att\w*", r"\bsdpa\b", r"\bxformers\b"),
    "fp32": (r"\b(fp|float)32\b", r"\bfull precision\b", r"\bsingle precision\b"),
    "bf16": (r"\b(bf16|bfloat16|tf32|brain float\w*)\b",),
    "unsupported": (
        r"\b(un|not |n't |no |never |isn't |cannot |lacks? )(be )?(support\w*|available|do\b|use\b"
        r"|possible|capable)",
        r"\bnot compatible\b|\bincompatible\b",
        r"\b(needs?|requires?|wants?) (an? )?(ampere|newer|compute)",
        r"\b(too old|older (gpu|card)|old gpu|pre-?ampere|incapable)\b",
        r"\b(reject\w*|refus\w*|unsupported)\b",
        r"\bonly (runs?|works?|supported) on\b",
    ),
    "turing": (
        r"\b20[678]0( ?ti)?\b|\b16[56]0( ?ti)?\b|\bquadro\b",
        r"\b(v100|t4|rtx ?20\d0|titan rtx|turing|volta|ampere|pre-?ampere|older (gpu|card)|old gpu)\b",
    ),
    "pascal": (r"\b(p100|p40|p4|k80|m40|gtx ?1?\d*|pascal|maxwell|kepler)\b",),
    "two_dtypes": (
        r"\b(float|fp|full)-?(32)?\b[^.;]{0,60}\b(bf16|bfloat16|half|fp16|float16)\b",
        r"\b(bf16|bfloat16|half|fp16|float16)\b[^.;]{0,60}\b(float|fp)(32)?\b",
        r"\b(fp16|float16|half)\b[^.;]{0,60}\b(bf16|bfloat16)\b",
    ),
    "arch": (
        r"\barchitectures?\b[^.;]{0,30}\b(torch|gpu|cuda|compiled|sm_)|\b(gpu|cuda"
        r"|device)\b[^.;]{0,20}\barchitectures?\b|\bamong the architectures",
        r"\b(compute capability|sm_?\d\d+|kernel image|blackwell|hopper|rtx ?50\d0|5090d?|5080|b200"
        r"|gb10|cuda capability|arch list)\b",
        r"\btriton\b",
    ),
    "driver": (
        r"\bdrivers?\b",
        r"\bcuda (version|toolkit|runtime|build|wheel)\b",
        r"\bis_available\b",
        r"\b(no|not see|not find|does not see|cannot see|invisible) (a |the |any )?(gpu|cuda)\b",
        r"\bcpu[- ]only (torch|build|wheel|version)\b",
        r"\btorch (build|wheel)\b",
    ),
    "bnb": (
        r"\b[48]-?bit library\b|\bquanti[sz]ation (library|backend|kernels?)",
        r"\bbitsandbytes\b",
        r"\bbnb\b",
        r"\b(auto)?gptq\b",
        r"\b(auto)?awq\b",
        r"\bhqq\b",
        r"\bload_in_[48]bit\b",
        r"\b[48]-?bit (loading|quanti\w+|optimi\w+)\b",
    ),
    "bnb_broken": (
        r"\b(binary|wheel|windows|mac(os)?|no (usable )?(gpu|cuda)|cpu[- ]only|compiled without"
        r"|cuda (setup|library|binary)|libcuda\w*|not installed|metadata|too old|import\w*|missing"
        r"|not find|no gpu support|rocm|backend)\b",
    ),
    "device": (
        r"\b(created|initiali[sz]ed|allocated|loaded|instantiated) on (the )?(cpu|wrong|meta)\b",
        r"\b(different|other|separate|two) cards\b|\boffload\w* to (the )?(cpu|disk|ram)\b|\b(stays?"
        r"|left|remain\w*) (behind )?(in|on) (the )?(host|cpu|ram)\b",
        r"\b(different|two|several|wrong|other|both) (devices?|gpus)\b",
        r"\bsame device\b",
        r"\b(sits?|stays?|remain\w*|placed|lands?|lives?|lies?|kept|left) on (the )?(cpu|gpu"
        r"|wrong device|meta)",
        r"\bwrong device\b",
        r"\bon (the )?(cpu|gpu|cuda(:\d)?|device)\b[^.;]{0,60}\b(on|while|whereas|others?|and"
        r"|but) (\w+ ){0,5}(the )?(cpu|gpu|cuda)",
        r"\b(cpu|disk) offload\w*",
        r"\bdevice[_ ]map\b",
        r"\bmeta (device|tensor)s?\b",
        r"\bcuda:\d (and|vs|instead of) (cpu|cuda:\d)",
    ),
}
"""Ways of saying it, as regular expressions over lower-case text, by idea."""
