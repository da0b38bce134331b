namespace Onward.Cli;

/// <summary>The examples and explanations at the end of each command's help.</summary>
/// <remarks>Lines are printed as they are, so they fit a terminal of 80 columns.</remarks>
internal static class HelpExamples
{
    private const string Root = """
          onward train                                 train on MNIST
          onward train --model M/8/16 --epochs 2       train a deeper network
          onward runs                                  list the runs in ./runs
          onward report runs/mnist-M-1-16-LG-FG-A-seed1
          onward eval --run runs/mnist-M-1-16-LG-FG-A-seed1
          onward predict runs/mnist-M-1-16-LG-FG-A-seed1 digit.png
          onward sample runs/a --prompt 'The '         let a model of text write one
          onward export runs/mnist-M-1-16-LG-FG-A-seed1 model.onnx
          onward inspect M/8/16                        show layers and parameters
          onward find-lr --rule FG-A                   find an initial learning rate
          onward sweep --vary lr=0.01,0.03,0.1 --epochs 5 --validation 10000
          onward compare --rules LG-FG-A,BP            compare two learning rules
          onward reproduce --row LG-FG-A --column MNIST-M/1/16
          onward data list                             list data sets and locations
          onward bench --model M/8/16                  measure the training speed
          onward variance                              measure the variance of gradients
          onward doctor                                check this machine
        """;

    private const string Train = """
          onward train                                 MNIST, or digits if unavailable
          onward train --dataset digits --epochs 5     needs no download
          onward train --data ~/mnist --seed 2         use your own copy of MNIST
          onward train --validation 10000 --lr 0.05    tune on a validation set
          onward train --json | jq .testError          print the result for a script
          onward train --tensorboard                   then: tensorboard --logdir runs
          mpirun -n 4 onward train --parallel data     split batches over 4 processes
          onward train --model M/8/16 --dry-run        estimate speed, memory and time
          onward train --overfit-batches 2             overfit 256 images, as a test
          onward train --max-time 60                   stop after an hour; resume later
          onward train --resume runs/mnist-M-1-16-LG-FG-A-seed1
          onward train --resume runs/a --best          start again at the best epoch
          onward train --lr 0.1 --dump-config > options.json
          onward train --config options.json --seed 2

        Ctrl-C, a kill or a power cut loses only the steps since the last checkpoint.
        'onward train --resume' continues at that checkpoint. The final result is the
        same as without the interruption, bit for bit.
        """;

    private const string Runs = """
          onward runs                                  ./runs, latest change first
          onward runs compare --best                   ./compare, lowest error first
          onward runs --json | jq -r 'select(.state == "resumable") | .run'

        The state of a run is one of these:
          finished     training has ended
          diverged     training has ended because the loss was not finite
          running      a process is training
          resumable    training was stopped; 'onward train --resume' continues it
          stopped      training was stopped and left no checkpoint
          damaged      a file of the run cannot be read
        """;

    private const string Report = """
          onward report runs/mnist-M-1-16-LG-FG-A-seed1        writes report.html there
          onward report runs/a runs/b runs/c --out three.html  compares three runs

        The page needs no network and no other file. A run may still be training.
        If a data set is missing, its confusion matrix and images are left out.
        """;

    private const string Eval = """
          onward eval --run runs/mnist-M-1-16-LG-FG-A-seed1
          onward eval --run runs/mnist-M-1-16-LG-FG-A-seed1 --dataset digits
          onward eval --run runs/mnist-M-1-16-LG-FG-A-seed1 --best
          onward eval --run runs/cifar-10-M-8-16-LG-FG-A-seed1 --exit-confidence 0.9

        MFLOP is the cost of one prediction that is taken there, including all earlier
        blocks. With --exit-confidence, 'exits' is the percentage of test images whose
        prediction is taken there.
        """;

    private const string Sample = """
          onward train --dataset text --data book.txt --model gpt-mini --optimizer adamw
          onward sample runs/text-gpt-mini-LG-FG-A-seed1 --prompt 'The '
          onward sample runs/a --prompt 'The ' --length 2000 --temperature 0.8 --seed 2
          onward sample runs/a --prompt 'The ' --temperature 0 --json | jq -r .text

        The model reads as many of the last characters as its run had for --context.
        """;

    private const string Predict = """
          onward predict runs/mnist-M-1-16-LG-FG-A-seed1 digit.png
          onward predict runs/cifar-10-M-8-16-LG-FG-A-seed1 *.jpg --exit-confidence 0.95
          onward predict runs/cifar-10-M-8-16-LG-FG-A-seed1 cat.png --max-block 1
          onward predict runs/mnist-M-1-16-LG-FG-A-seed1 *.png --json |
            jq -r '[.image, .classes[0].class] | @tsv'
          curl -s URL | onward predict RUN /dev/stdin

        Images are converted to the size and colours that the model was trained on.
        For a run on --dataset folder they are cropped as in its evaluation. For other
        runs the central square is scaled.

        Damaged images are reported, and all others are classified. The exit code is
        then 2.

        Every block has a head that can predict classes. With --exit-confidence the
        first head that is confident enough predicts, and later blocks are skipped.
        """;

    private const string Export = """
          onward export runs/mnist-M-1-16-LG-FG-A-seed1 model.onnx
          onward export runs/cifar-10-M-8-16-LG-FG-A-seed1 model.onnx --json |
            jq -r '.outputs[]'

        The input 'image' is float32 [N, rows, columns, channels] for any N. Values are
        0 to 255, in red, green, blue, or grey. The graph standardises them. The outputs
        are 'probabilities' and 'logits' of the readout, and the outputs of the heads of
        the blocks. The file's metadata contain the class names and the way to resize
        images ('onward.resize').
        """;

    private const string Inspect = """
          onward inspect M/8/16                        a preset, with the paper's images
          onward inspect runs/mnist-M-1-16-LG-FG-A-seed1
          onward inspect model.safetensors --json | jq .parameters
        """;

    private const string Doctor = """
          onward doctor                                check, and suggest fixes
          onward doctor --out /data/runs --json | jq '.[] | select(.verdict != "good")'

        The exit code is 0 even if a check fails.
        """;

    private const string Compare = """
          onward compare                               all rules, 3 seeds: about 1 hour
          onward compare --rules LG-FG-A,BP,FG-W --epochs 5 --seeds 1
          onward compare --dataset digits --model S/1/1 --epochs 20
          onward compare --rules BP,FG-A --lr BP=0.2,FG-A=0.02 --validation 10000
          onward compare --rules LG-FG-A,BP --json | jq '.rules[] | [.rule, .testError]'

        To resume an interrupted comparison, run the same command again. To extend one,
        run it with more seeds or rules. Finished runs are not repeated. A rule that
        diverges is marked in the table; the exit code is still 0.
        """;

    private const string FindRate = """
          onward find-lr                               LG-FG-A on MNIST
          onward find-lr --rule FG-W --steps 400 --out rates
          onward find-lr --dataset cifar-10 --model M/8/16 --json | jq .suggested

        The learning rate rises at each step. The suggestion is half of the rate at
        which the loss was lowest. Estimators with higher variance need lower rates, so
        run 'onward find-lr' again for each rule.
        """;

    private const string Sweep = """
          onward sweep --vary lr=0.01,0.03,0.1 --vary passes=1,4 --validation 10000
          onward sweep --random 20 --vary lr=0.003..0.3 --vary momentum=0.8,0.9,0.95
          onward sweep --vary rule=LG-FG-A,LG-BP --seeds 3
          onward sweep --vary 'downsample=1,2,1,1|1,1,1,1' --model M/8/16

        To resume an interrupted sweep, run the same command again. To extend one, run
        it with more values. Finished runs are not repeated. Values that contain commas
        are separated by |.
        """;

    private const string Reproduce = """
          onward reproduce --list                      list all cells of the tables
          onward reproduce --list --column MNIST-M/1/16
          onward reproduce --table 3 --row LG-FG-A --column MNIST-M/1/16
          onward reproduce --row BP --column MNIST-S/1/1 --seeds 3 --json | jq .verdict

        The verdict is 'reproduced' if our mean test error is at most the paper's error
        plus the standard deviation over the seeds. 'expected' is the range of errors
        that was recorded for the same command. The exit code is 0 for any verdict.
        """;

    private const string Bench = """
          onward bench
          onward bench --model M/1/16 --threads 1 --seconds 2 --json
        """;

    private const string Variance = """
          onward variance                              compare linear layers with theory
          onward variance --layer 128x64 --examples 1,8,64 --perturbation rademacher
          onward variance --model M/1/16 --passes 1,2,4
        """;

    private const string Data = """
          onward data list                             list data sets and locations
          onward data info cifar-10                    show classes and statistics
          onward data verify mnist                     verify the checksums of the files
          onward data verify folder --data photos      list the damaged images
          onward data download fashion-mnist           download a data set to the cache
          onward data views --dataset cifar-10         draw augmented views (views.png)
          onward data views --recipe area-colour --rows 4 --columns 6 --out colour.png
        """;

    private const string Completion = """
          source <(onward completion bash)             in this shell; or in ~/.bashrc
          source <(onward completion zsh)              in ~/.zshrc, after compinit
          onward completion fish | source              in ~/.config/fish/config.fish
          onward completion powershell | Out-String | Invoke-Expression

        Tab then completes commands, options, and the names of data sets, models and
        rules.
        """;

    /// <summary>Returns the examples of a command, or of <c>onward</c> itself if the name is no command's.</summary>
    internal static string Of(string command) => command switch
    {
        "train" => Train,
        "runs" => Runs,
        "report" => Report,
        "eval" => Eval,
        "predict" => Predict,
        "sample" => Sample,
        "export" => Export,
        "inspect" => Inspect,
        "doctor" => Doctor,
        "find-lr" => FindRate,
        "sweep" => Sweep,
        "compare" => Compare,
        "reproduce" => Reproduce,
        "bench" => Bench,
        "data" or "list" or "info" or "verify" or "download" or "views" => Data,
        "variance" => Variance,
        "completion" => Completion,
        _ => Root,
    };
}
