using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Onward.Cli;

/// <summary>The root command, and the help that teaches: what it is, options, examples, exit codes.</summary>
internal static class HelpText
{
    private const string About = """
        Trains deep networks without backpropagation: forward gradients with local losses
        (LG-FG-A of "Scaling Forward Gradient With Local Losses", ICLR 2023), on the CPU.
        """;

    private const string RootExamples = """
          onward train                                 learn MNIST with the smallest good network
          onward train --model M/8/16 --epochs 2       a deeper one: 4 blocks, 8x8 patches, 16 groups
          onward runs                                  runs, how far they are, what they came to
          onward report runs/mnist-M-1-16-LG-FG-A-seed1
          onward eval --run runs/mnist-M-1-16-LG-FG-A-seed1
          onward predict runs/mnist-M-1-16-LG-FG-A-seed1 digit.png
          onward export runs/mnist-M-1-16-LG-FG-A-seed1 model.onnx
          onward inspect M/8/16                        layers, parameters, local losses
          onward find-lr --rule FG-A                   a learning rate to begin with
          onward sweep --vary lr=0.01,0.03,0.1 --epochs 5 --validation 10000
          onward compare --rules LG-FG-A,BP            two rules side by side, with learning curves
          onward reproduce --row LG-FG-A --column MNIST-M/1/16
          onward data list                             data sets, and what is on this machine
          onward bench --model M/8/16                  how fast this machine trains
          onward variance                              how far forward gradients scatter, beside theory
          onward doctor                                what this machine offers, and what to mend
        """;

    private const string TrainExamples = """
          onward train                                 MNIST, or digits where MNIST cannot be had
          onward train --dataset digits --epochs 5     no download needed
          onward train --data ~/mnist --seed 2         your own copy of the four MNIST files
          onward train --validation 10000 --lr 0.05    tune on held-out training images
          onward train --json | jq .testError          one line of JSON for scripts
          onward train --tensorboard                   then: tensorboard --logdir runs
          mpirun -n 4 onward train --parallel data     four processes, each with a share of every batch
          onward train --model M/8/16 --dry-run        speed, memory and time, before anything is written
          onward train --overfit-batches 2             can it learn at all? 256 images by heart
          onward train --max-time 60                   stops after an hour, to be gone on with
          onward train --resume runs/mnist-M-1-16-LG-FG-A-seed1
          onward train --resume runs/a --best          a new run from the best epoch of another
          onward train --lr 0.1 --dump-config > options.json; onward train --config options.json --seed 2

        Ctrl-C, a kill or a power cut loses no more than the steps since the last checkpoint: --resume goes
        on from there, to the same result bit for bit.
        """;

    private const string RunsExamples = """
          onward runs                                  the runs in ./runs, the last written first
          onward runs compare --best                   at any depth; the lowest error of each data set first
          onward runs --json | jq -r 'select(.state == "resumable") | .run'

        A run is finished, diverged, running (a process is at work on it), resumable (go on with it by
        'onward train --resume'), stopped (it kept no checkpoint) or damaged.
        """;

    private const string ReportExamples = """
          onward report runs/mnist-M-1-16-LG-FG-A-seed1          writes report.html into that folder
          onward report runs/a runs/b runs/c --out three.html    learning curves over one another

        The page needs no network and no other file. A run may be under way. Where its data set is not
        on this machine, the confusion matrix and the images are left out.
        """;

    private const string EvalExamples = """
          onward eval --run runs/mnist-M-1-16-LG-FG-A-seed1
          onward eval --run runs/mnist-M-1-16-LG-FG-A-seed1 --dataset digits
          onward eval --run runs/mnist-M-1-16-LG-FG-A-seed1 --best      the epoch of the lowest error
          onward eval --run runs/cifar-10-M-8-16-LG-FG-A-seed1 --exit-confidence 0.9

        MFLOP is what an answer from there costs for one image, this block and those before it. With
        --exit-confidence, 'exits' is the share of test images that the block answers.
        """;

    private const string PredictExamples = """
          onward predict runs/mnist-M-1-16-LG-FG-A-seed1 digit.png
          onward predict runs/cifar-10-M-8-16-LG-FG-A-seed1 *.jpg --top 3 --exit-confidence 0.95
          onward predict runs/cifar-10-M-8-16-LG-FG-A-seed1 cat.png --max-block 1
          onward predict runs/mnist-M-1-16-LG-FG-A-seed1 *.png --json | jq -r '[.image, .classes[0].class] | @tsv'

        A damaged image is named, all others are answered, and the exit code is 2. A pipe is read where it is
        named: curl -s URL | onward predict RUN /dev/stdin

        An image is brought to the size and the colours of the run's images: of a run on folders, the
        middle, as in its evaluation; of others, the middle square, scaled. Every block has a head that
        can answer: with --exit-confidence the first that is sure enough does, and the rest is not run.
        """;

    private const string ExportExamples = """
          onward export runs/mnist-M-1-16-LG-FG-A-seed1 model.onnx
          onward export runs/cifar-10-M-8-16-LG-FG-A-seed1 model.onnx --json | jq -r '.outputs[]'

        The input 'image' is float32 [N, rows, columns, channels], any N, intensities 0 to 255 as
        decoders give them, in red, green, blue, or grey; the graph standardises them. The outputs are
        'probabilities' and 'logits' of the readout, and what the head of each block gives. Class names
        are in the file's metadata, and how images of other sizes are to be resized ('onward.resize').
        """;

    private const string InspectExamples = """
          onward inspect M/8/16                        a preset, for the images the paper trains it on
          onward inspect runs/mnist-M-1-16-LG-FG-A-seed1
          onward inspect model.safetensors --json | jq .parameters
        """;

    private const string DoctorExamples = """
          onward doctor                                every line ends with what to do, if there is anything
          onward doctor --out /data/runs --json | jq '.[] | select(.verdict != "good")'

        The exit code is 0 whatever is found.
        """;

    private const string CompareExamples = """
          onward compare                               the paper's eleven rules, three seeds: an hour
          onward compare --rules LG-FG-A,BP,FG-W --epochs 5 --seeds 1
          onward compare --dataset digits --model S/1/1 --epochs 20
          onward compare --rules BP,FG-A --lr BP=0.2,FG-A=0.02 --validation 10000
          onward compare --rules LG-FG-A,BP --json | jq '.rules[] | [.rule, .testError]'

        An interrupted comparison goes on when the same command is given again. More seeds or more
        rules may be added that way too: what has ended is read, not repeated. A rule that diverges is
        shown as such; it ends neither the comparison nor, with a code other than 0, the command.
        """;

    private const string FindRateExamples = """
          onward find-lr                               LG-FG-A on MNIST
          onward find-lr --rule FG-W --steps 400 --out rates
          onward find-lr --dataset cifar-10 --model M/8/16 --layerwise --json | jq .suggested

        Each step trains at a higher rate than the one before; where the loss is lowest, the rate is about
        to be too high. Estimators that scatter more need lower rates, so look anew for each.
        """;

    private const string SweepExamples = """
          onward sweep --vary lr=0.01,0.03,0.1 --vary passes=1,4 --epochs 5 --validation 10000
          onward sweep --random 20 --vary lr=0.003..0.3 --vary momentum=0.8,0.9,0.95 --validation 10000
          onward sweep --vary rule=LG-FG-A,LG-BP --seeds 3
          onward sweep --vary 'downsample=1,2,1,1|1,1,1,1' --model M/8/16 --dataset cifar-10

        An interrupted sweep goes on when the same command is given again, and more values may be added
        that way: what has ended is read, not repeated. Values that hold commas are told apart by |.
        """;

    private const string ReproduceExamples = """
          onward reproduce --list                      every cell: the paper's errors and our command
          onward reproduce --list --column MNIST-M/1/16
          onward reproduce --table 3 --row LG-FG-A --column MNIST-M/1/16
          onward reproduce --row BP --column MNIST-S/1/1 --seeds 3 --json | jq -r .verdict

        A verdict is 'reproduced' where our mean test error is the paper's or lower, or above it by no
        more than the standard deviation over the seeds. Any verdict ends with exit code 0. 'expected'
        is the interval that the same command came to when it was recorded.
        """;

    private const string BenchExamples = """
          onward bench
          onward bench --model M/1/16 --threads 1 --seconds 2 --json
        """;

    private const string VarianceExamples = """
          onward variance                              linear layers beside the closed forms
          onward variance --layer 128x64 --examples 1,8,64 --perturbation rademacher
          onward variance --model M/1/16 --passes 1,2,4
        """;

    private const string DataExamples = """
          onward data list                             what there is, and what is on this machine
          onward data info cifar-10                    images, classes, mean and deviation
          onward data verify mnist                     compare every file with its published checksum
          onward data verify folder --data photos      list the images that are damaged
          onward data download fashion-mnist           fill the cache
          onward data views --dataset cifar-10         draw views.png: images beside what training sees
          onward data views --recipe area-colour --rows 4 --columns 6 --out colour.png
        """;

    private const string CompletionExamples = """
          source <(onward completion bash)             for this shell; in ~/.bashrc, for all
          source <(onward completion zsh)              in ~/.zshrc, after compinit
          onward completion fish | source              in ~/.config/fish/config.fish
          onward completion powershell | Out-String | Invoke-Expression

        Then Tab completes commands, options, and what options take: data sets, networks, rules.
        """;

    private const string ExitCodes = """
        Exit codes:
          0 done, 1 unexpected error, 2 wrong option or bad file, 3 training diverged, 130 interrupted
        """;

    /// <summary>Makes the root command with all commands in it.</summary>
    internal static RootCommand CreateRoot(Host host)
    {
        RootCommand root = new(About) { HelpName = "onward" };
        root.Options.OfType<VersionOption>().Single().Action = new VersionAction();
        root.Options.OfType<VersionOption>().Single().Description = "Show the version";
        root.Directives.OfType<SuggestDirective>().Single().Action = new CompletionCommand.SuggestAction();
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Show this help";
        help.Action = new TeachingHelp((HelpAction)help.Action!);
        root.Add(TrainCommand.Create(host));
        root.Add(RunsCommand.Create(host));
        root.Add(ReportCommand.Create(host));
        root.Add(EvalCommand.Create(host));
        root.Add(PredictCommand.Create(host));
        root.Add(ExportCommand.Create(host));
        root.Add(InspectCommand.Create(host));
        root.Add(FindRateCommand.Create(host));
        root.Add(SweepCommand.Create(host));
        root.Add(CompareCommand.Create(host));
        root.Add(ReproduceCommand.Create(host));
        root.Add(DataCommand.Create(host));
        root.Add(BenchCommand.Create(host));
        root.Add(VarianceCommand.Create(host));
        root.Add(DoctorCommand.Create(host));
        root.Add(CompletionCommand.Create(host));
        root.SetAction(parse => help.Action is TeachingHelp teaching ? teaching.Invoke(parse) : ExitCode.Done);
        return root;
    }

    private static string Examples(string command) => command switch
    {
        "train" => TrainExamples,
        "runs" => RunsExamples,
        "report" => ReportExamples,
        "eval" => EvalExamples,
        "predict" => PredictExamples,
        "export" => ExportExamples,
        "inspect" => InspectExamples,
        "doctor" => DoctorExamples,
        "find-lr" => FindRateExamples,
        "sweep" => SweepExamples,
        "compare" => CompareExamples,
        "reproduce" => ReproduceExamples,
        "bench" => BenchExamples,
        "data" or "list" or "info" or "verify" or "download" or "views" => DataExamples,
        "variance" => VarianceExamples,
        "completion" => CompletionExamples,
        _ => RootExamples,
    };

    private sealed class TeachingHelp(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            inner.Invoke(parseResult);
            output.Write($"Examples:\n{Examples(parseResult.CommandResult.Command.Name)}\n\n{ExitCodes}\n");
            return ExitCode.Done;
        }
    }

    private sealed class VersionAction : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"onward {typeof(HelpText).Assembly.GetName().Version!.ToString(3)}");
            return ExitCode.Done;
        }
    }
}
