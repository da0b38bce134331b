namespace Onward.Cli.Tests;

public sealed class FaultTests : IDisposable
{
    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("trian", "there is no command 'trian'; did you mean 'train'?")]
    [InlineData("sing", "there is no command 'sing'. See 'onward --help'")]
    [InlineData("--verison", "'onward' has no option '--verison'; did you mean '--version'?")]
    [InlineData("train foo", "'onward train' takes only options; 'foo' is not an option")]
    [InlineData("train --epoch 5", "leave them out. The number of epochs to train is --epochs.")]
    [InlineData("train --epocs 5", "'onward train' has no option '--epocs'; did you mean '--epochs'?")]
    [InlineData("train --epocs=5", "'onward train' has no option '--epocs'; did you mean '--epochs'?")]
    [InlineData("train --json --colour", "'onward train' has no option '--colour'. See")]
    [InlineData("train --lr", "--lr needs a value")]
    [InlineData("train --lr --epochs 2", "--lr needs a value, but '--epochs' follows it")]
    [InlineData("train --out --json", "--out needs a value, but '--json' follows it")]
    [InlineData("train --lr abc", "--lr must be a number above 0; got 'abc'")]
    [InlineData("train --lr 0,03", "--lr must be a number above 0; got '0,03'")]
    [InlineData("train --lr 0", "--lr must be a number above 0; got '0'")]
    [InlineData("train --lr NaN", "--lr must be a number above 0; got 'NaN'")]
    [InlineData("train --lr 1e999", "--lr must be a number above 0; got '1e999'")]
    [InlineData("train --momentum 1", "--momentum must be a number from 0 to below 1; got '1'")]
    [InlineData("train --weight-decay -1", "--weight-decay must be a number 0 or above; got '-1'")]
    [InlineData("train --batch-size -5", "--batch-size must be a whole number, 1 or more; got '-5'")]
    [InlineData("train --batch-size 1.5", "--batch-size must be a whole number, 1 or more; got '1.5'")]
    [InlineData("train --epochs 0", "--epochs must be a whole number from 1 to 1000000; got '0'")]
    [InlineData("train --epochs 99999999999", "--epochs must be a whole number from 1 to 1000000")]
    [InlineData("train --epochs 1 --epochs 2", "--epochs is given 2 times. Give it once")]
    [InlineData("train --passes 0", "--passes must be a whole number from 1 to 4096; got '0'")]
    [InlineData("train --threads 0", "--threads must be a whole number from 1 to 1024; got '0'")]
    [InlineData("train --seed x", "--seed must be a whole number, 0 or more; got 'x'")]
    [InlineData("train --seed -1", "--seed must be a whole number, 0 or more; got '-1'")]
    [InlineData(
        "train --model M/1/17",
        "--model: unknown value 'M/1/17'; did you mean 'M/1/16'? Choose S/1/1, M/1/16, M/8/16, L/8/64, L/32/64, mlp, "
            + "vgg8b, resmlp, vit-tiny or gpt-mini.")]
    [InlineData("train --mixer con", "--mixer: unknown value 'con'; did you mean 'conv'? Choose matrix or conv")]
    [InlineData(
        "train --model M/8/16 --downsample 2,x,1,1",
        "--downsample must be whole numbers, 1 or more, separated by commas, one for each block; got '2,x,1,1'")]
    [InlineData(
        "train --dataset digits --model M/8/16 --downsample 2,1",
        "--model M/8/16, scaled, does not fit images of 28x28x1: the downsampling has one number for each block, of which there are 4; "
        + "got 2")]
    [InlineData(
        "train --dataset digits --model M/8/16 --group-ratio 1,3,1,1",
        "the 512 channels of block 2 must be a multiple of its 48 groups")]
    [InlineData("train --model M/8/16 --pooling maximum", "--pooling requires --downsample")]
    [InlineData("train --model M/8/16 --kernel-side 3", "--kernel-side requires --mixer conv")]
    [InlineData(
        "train --model M/8/16 --mixer conv --kernel-side 4",
        "--kernel-side must be an odd number, so that the kernel has a centre; got 4")]
    [InlineData("train --model M/8/16 --mixer conv --kernel-side 65", "--kernel-side must be a whole number from 1 to 63; got '65'")]
    [InlineData("compare --model M/1/16 --mixer conv", "--mixer conv does not apply to --model M/1/16, whose only block mixes no patches")]
    [InlineData("train --rule XY", "--rule: unknown value 'XY'. Choose BP, L-BP,")]
    [InlineData("train --rule BP --passes 2", "--passes does not apply to --rule BP")]
    [InlineData("train --augment mirror", "--augment: unknown value 'mirror'. Choose none, flip, crop, area or area-colour")]
    [InlineData("train --area-min 0.3", "--area-min does not apply to --augment none")]
    [InlineData("train --augment crop --blank-views redraw", "--blank-views does not apply to --augment crop")]
    [InlineData("train --augment area --blank-views no", "--blank-views: unknown value 'no'. Choose keep or redraw.")]
    [InlineData("train --augment area --area-min 0", "--area-min must be a number above 0 and at most 1; got '0'")]
    [InlineData("train --objective contrastive --augment crop", "--augment does not apply to --objective contrastive")]
    [InlineData("train --rule LG-FG-A --recompute", "--recompute does not apply to --rule LG-FG-A")]
    [InlineData("train --objective contrast", "--objective: unknown value 'contrast'")]
    [InlineData("train --temperature 0.5", "--temperature does not apply to --objective supervised")]
    [InlineData("train --projection 64", "--projection does not apply to --objective supervised")]
    [InlineData("train --readout-lr 1", "--readout-lr does not apply to --objective supervised")]
    [InlineData("train --readout-scale 0", "--readout-scale must be a number above 0; got '0'")]
    [InlineData("train --objective contrastive --readout-scale 0.1", "--readout-scale does not apply to --objective contrastive")]
    [InlineData("train --objective contrastive --projection 1", "--projection must be a whole number from 2 to 65536; got '1'")]
    [InlineData("train --objective contrastive --temperature 0", "--temperature must be a number above 0; got '0'")]
    [InlineData("train --rule BP --overlap", "--overlap does not apply to --rule BP. Leave it out, or choose another rule.")]
    [InlineData("train --rule L-FA --overlap", "--overlap does not apply to --rule L-FA")]
    [InlineData("compare --rules LG-BP,FG-A --model M/8/16 --overlap", "--overlap does not apply to --rule FG-A")]
    [InlineData("train --rule LG-BP --overlap", "--overlap means nothing to --model M/1/16, whose one block has no next one")]
    [InlineData(
        "compare --rules LG-BP --model s/1/1 --overlap",
        "--overlap means nothing to --model S/1/1, whose one block has no next one")]
    [InlineData(
        "train --rule LG-FG-W --perturbation orthogonal --passes 3",
        "--perturbation orthogonal takes a power of two of --passes; got 3.")]
    [InlineData("train --model M/8/16 --overlap", "--overlap does not apply to --rule LG-FG-A")]
    [InlineData("train --rule FG-W --loss-scope block", "--loss-scope does not apply to --rule FG-W")]
    [InlineData("train --rule FG-A --layerwise", "--layerwise does not apply to --rule FG-A")]
    [InlineData("train --rule FG-W --noise-sites hidden", "--noise-sites does not apply to --rule FG-W")]
    [InlineData("train --rule LG-BP --noise-sites all", "--noise-sites does not apply to --rule LG-BP")]
    [InlineData("train --noise-sites last", "--noise-sites: unknown value 'last'")]
    [InlineData("train --rule LG-BP --control-variate learned-feedback", "--control-variate does not apply to --rule LG-BP")]
    [InlineData("train --control-variate learned", "--control-variate: unknown value 'learned'")]
    [InlineData("train --noise-sites all --control-variate learned-feedback", "Take --noise-sites hidden.")]
    [InlineData("train --rule LG-FG-W --layerwise", "--layerwise does not apply to --rule LG-FG-W")]
    [InlineData("train --optimizer adm", "--optimizer: unknown value 'adm'")]
    [InlineData("train --beta2 0.9", "--beta2 does not apply to --optimizer sgd. Leave it out, or choose adamw or muon.")]
    [InlineData("train --optimizer adamw --beta2 1", "--beta2 must be a number from 0 to below 1; got '1'")]
    [InlineData("train --clip-norm 0", "--clip-norm must be a number above 0; got '0'")]
    [InlineData("train --rule LG-FG-AA", "--rule: unknown value 'LG-FG-AA'; did you mean 'LG-FG-A'?")]
    [InlineData("train --dataset cifar", "--dataset: unknown value 'cifar'; did you mean 'cifar-10'")]
    [InlineData("train --perturbation gauss", "--perturbation: unknown value 'gauss'; did you mean 'gaussian'?")]
    [InlineData("train --schedule cosin", "--schedule: unknown value 'cosin'; did you mean 'cosine'?")]
    [InlineData("train --loss-scope patch,group", "--loss-scope must contain block")]
    [InlineData("train --loss-scope block,head", "--loss-scope takes block, patch and group, separated by commas; got 'block,head'")]
    [InlineData("train --data {data} --warmup-epochs 5 --epochs 2", "--warmup-epochs 5 is more than the 2 epochs of the run")]
    [InlineData("train --data {data} --batch-size 65", "--batch-size 65 is more than the 64 training images")]
    [InlineData("train --data {data} --validation 64", "--validation 64 leaves none of the 64 training images")]
    [InlineData("train --data {data} --validation 10 --batch-size 55", "--batch-size 55 is more than the 54 training images")]
    [InlineData(
        "train --data {data} --batch-size 1 --model L/32/64",
        "--model L/32/64 does not fit images of 28x28x1: 32 patches along a side of 28 pixels leave one number in a patch")]
    [InlineData("train --data {path}/absent", "no such folder. Name the folder with the files of mnist")]
    [InlineData("train --data {path}/work", "no file train-images-idx3-ubyte.gz, expected the four files of MNIST")]
    [InlineData("train --data {data} --dataset digits", "--data names a folder of files, but the data set digits is drawn")]
    [InlineData("train --dataset mnist", "Or name their folder with --data; --dataset digits needs none")]
    [InlineData("train --data {data} --out {data}", "is not empty. Name a folder that is empty or does not exist")]
    [InlineData("train --data {data} --out {data}/t10k-labels-idx1-ubyte", "is a file. Name a folder")]
    [InlineData("train --data {data} --out {data}/t10k-labels-idx1-ubyte/a/b", "is a file. Name a folder")]
    [InlineData("train --data {data} --batch-size 8 --out /proc/onward/run", "the run folder /proc/onward/run cannot be written")]
    [InlineData(
        "eval",
        "'onward eval' needs a RUN: run folder, as printed by 'onward train', as an argument or with --run. See 'onward eval --help'.")]
    [InlineData("eval --run", "--run needs a value")]
    [InlineData("eval a --run b", "'a' and --run b both name a run. Name one.")]
    [InlineData("inspect S/1/1 --run b", "'S/1/1' and --run b both name a model. Name one.")]
    [InlineData("predict --run b", "'onward predict' needs an IMAGE: image files")]
    [InlineData("export --run b", "'onward export' needs a FILE: the file to write")]
    [InlineData("train --config {data}", "is a folder. Name a JSON file of options")]
    [InlineData("train --config --json", "--config needs a value, but '--json' follows it")]
    [InlineData("eval --run absent", "no such folder. Name the folder of a run")]
    [InlineData("eval --run {data}", "no config.json in it. Name the folder of a run")]
    [InlineData("compare --rules LG-FG-AA", "--rules: unknown value 'LG-FG-AA'; did you mean 'LG-FG-A'? Choose BP, L-BP,")]
    [InlineData("compare --rules BP,,DFA", "--rules: unknown value ''")]
    [InlineData("compare --rules BP,FA,bp", "--rules contains BP twice. Name it once")]
    [InlineData("compare --rules BP --rules FA", "--rules is given 2 times. Give it once")]
    [InlineData("compare --rules", "--rules needs a value")]
    [InlineData("compare --seeds 0", "--seeds must be a whole number from 1 to 1000; got '0'")]
    [InlineData("compare --lr 0", "--lr must be a number above 0, or RULE=X,RULE=Y with numbers above 0; got '0'")]
    [InlineData("compare --lr BP=0.1,FA", "--lr must be a number above 0, or RULE=X,RULE=Y with numbers above 0; got 'FA'")]
    [InlineData("compare --lr BQ=0.1", "--lr: unknown value 'BQ'; did you mean 'BP'?")]
    [InlineData("compare --lr BP=0.1,BP=0.2", "--lr gives two rates for BP. Give one")]
    [InlineData("compare --rules FA --lr BP=0.1", "--lr gives a rate for BP, which is not in --rules")]
    [InlineData("compare --data {data} --batch-size 128", "--batch-size 128 is more than the 64 training images")]
    [InlineData("compare --data {data} --batch-size 8 --out {data}/t10k-labels-idx1-ubyte", "is a file. Name a folder")]
    [InlineData(
        "compare --data {data} --epochs 1 --batch-size 8 --out /proc/onward/runs",
        "the run folder /proc/onward/runs cannot be written")]
    [InlineData("reproduce", "'onward reproduce' needs --row and --column, or --list")]
    [InlineData("reproduce --row BP", "'onward reproduce' needs --row and --column, or --list")]
    [InlineData("reproduce --row BP --column MNIST-M/1/17", "--column: unknown value 'MNIST-M/1/17'; did you mean 'MNIST-M/1/16'?")]
    [InlineData("reproduce --row BP --column CIFAR-10-M/8/16", "Table 3, BP, CIFAR-10-M/8/16 has no recorded run on CIFAR-10 yet")]
    [InlineData("reproduce --table 4 --row BP --column MNIST-M/1/16", "table 4 has no column MNIST-M/1/16. Choose CIFAR-10-M/8/16")]
    [InlineData("reproduce --table 5 --list", "--table must be a whole number from 3 to 4; got '5'")]
    [InlineData("bench --seconds 0", "--seconds must be a number above 0, at most 3600; got '0'")]
    [InlineData("bench --model X", "--model: unknown value 'X'")]
    [InlineData("bench --batch-size 2147483647", "--batch-size 2147483647 is too large for an input of 32 x 32 x 3. Use a smaller")]
    public void What_is_wrong_is_told_in_one_line_and_leaves_nothing(string command, string expected) =>
        _workplace.Refuse(command, expected);

    [Fact]
    public void A_truncated_file_is_told()
    {
        string path = _workplace["data/train-images-idx3-ubyte"];
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..1000]);

        _workplace.Refuse("train --data {data}", $"{path}: truncated after 984 values, expected 50176");
    }

    [Fact]
    public void A_wrong_magic_number_is_told()
    {
        File.Copy(_workplace["data/train-labels-idx1-ubyte"], _workplace["data/train-images-idx3-ubyte"], overwrite: true);

        _workplace.Refuse(
            "train --data {data}", "magic number 0x00000801, expected 0x00000803 or 0x00000804. Images and labels may be swapped");
    }

    [Fact]
    public void A_file_called_runs_is_told()
    {
        File.WriteAllText(_workplace["work/runs"], "");

        _workplace.Refuse("train --data {data} --batch-size 8", "Name another with --out");
    }

    [Fact]
    public void A_folder_that_cannot_be_filled_is_not_left()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Sizes of names are Linux's here.");

        _workplace.Refuse($"train --data {{data}} --batch-size 8 --out a/{new string('b', 300)}", "cannot be written");
    }

    [Fact]
    public void A_long_word_is_cut_in_the_message() => _workplace.Refuse($"train --lr {new string('9', 5000)}x", "9...'.");

    [Fact]
    public void An_unexpected_error_is_one_line_that_tells_how_to_see_more()
    {
        using StringWriter error = new() { NewLine = "\n" };
        using BrokenWriter output = new();

        int code = Cli.Run(["--version"], new Host { Out = output, Error = error });

        Assert.Equal(1, code);
        Assert.Equal(
            "onward: unexpected error: NotSupportedException: first second Set ONWARD_DEBUG=1 to see the stack trace.\n",
            error.ToString());
    }

    [Fact]
    public void Traces_are_shown_when_asked_for()
    {
        using StringWriter error = new();
        using BrokenWriter output = new();

        Cli.Run(["--version"], new Host { Out = output, Error = error, ShowTraces = true });

        Assert.Contains("   at ", error.ToString());
    }

    public void Dispose() => _workplace.Dispose();

    private sealed class BrokenWriter : StringWriter
    {
        public override void WriteLine(string? value) => throw new NotSupportedException("first\nsecond");
    }
}
