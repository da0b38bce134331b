using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

public sealed class ResumeTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --epochs 3";

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("", "--threads 1")]
    [InlineData("--augment area --optimizer lars --threads 3 --validation 16", "--data {data}")]
    [InlineData("--objective contrastive --projection 8 --optimizer lars --readout-lr 0.1", "--json")]
    [InlineData("--objective contrastive --area-min 0.5 --rule LG-BP", "--checkpoint-minutes 0")]
    [InlineData("--rule FG-W --perturbation rademacher --passes 2 --schedule linear --momentum 0.5", "--keep 1")]
    [InlineData("--noise-sites hidden --layerwise --passes 2", "--threads 3")]
    [InlineData("--control-variate learned-feedback --layerwise", "--threads 3")]
    [InlineData("--ema 0.9 --measure-gradients 2 --limit-batches 3 --early-stop 5", "--max-time 10")]
    [InlineData("--overfit-batches 2 --objective contrastive --ema 0.5", "")]
    [InlineData("--rule FA --readout-scale 0.1 --seed 5", "")]
    [InlineData("--optimizer adamw --beta2 0.95 --clip-norm 0.5 --threads 3", "--threads 2")]
    [InlineData("--optimizer muon --rule BP --ema 0.5", "--threads 3")]
    public void A_run_that_was_stopped_goes_on_to_the_same_end(string options, string beside)
    {
        Assert.Equal(0, _workplace.Run($"{Small} --out whole {options}".TrimEnd()).Code);
        Assert.Equal(130, _workplace.Run($"{Small} --out run {options}".TrimEnd(), interruptAt: "epoch 2/3").Code);

        Workplace.Result resumed = _workplace.Run($"train --resume run {beside}".TrimEnd());

        Assert.Equal(0, resumed.Code);
        Assert.Equal($"going on with S/1/1 in {_workplace["work/run"]} after epoch 2 of 3", resumed.ErrorLines[0]);
        RequireSame("whole", "run");
    }

    // Earlier versions kept blank views, and said nothing of them.
    [Fact]
    public void A_contrastive_run_of_an_earlier_version_goes_on_with_its_own_views()
    {
        _workplace.Run($"{Small} --objective contrastive --blank-views keep --out whole");
        _workplace.Run($"{Small} --objective contrastive --blank-views keep --out run", interruptAt: "epoch 1/3");
        string config = _workplace["work/run/config.json"], text = File.ReadAllText(config);
        const string Said = "  \"blankViews\": \"keep\",\n";
        Assert.Contains(Said, text);
        File.WriteAllText(config, text.Replace(Said, "", StringComparison.Ordinal));

        Assert.Equal(0, _workplace.Run("train --resume run").Code);

        RequireSame("whole", "run");
    }

    [Fact]
    public void A_run_of_several_blocks_goes_on_to_the_same_end()
    {
        const string Deep =
            "train --data {data} --model M/8/16 --mixer conv --downsample 2,1,1,1 --rule LG-BP --overlap --batch-size 16 --epochs 2";
        _workplace.Run($"{Deep} --out whole");
        _workplace.Run($"{Deep} --out run", interruptAt: "epoch 1/2");

        Assert.Equal(0, _workplace.Run("train --resume run").Code);

        RequireSame("whole", "run");
    }

    [Fact]
    public void A_run_of_version_0_1_goes_on_with_the_epsilon_that_it_had()
    {
        _workplace.Run($"{Small} --epsilon 1e-5 --out whole");
        _workplace.Run($"{Small} --epsilon 1e-5 --out run", interruptAt: "epoch 2/3");
        JsonObject configuration = JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!.AsObject();
        Assert.True(configuration.Remove("epsilon"));
        File.WriteAllText(_workplace["work/run/config.json"], configuration.ToJsonString());

        Assert.Equal(0, _workplace.Run("train --resume run").Code);

        Assert.Equal(
            File.ReadAllBytes(_workplace["work/whole/model.safetensors"]), File.ReadAllBytes(_workplace["work/run/model.safetensors"]));
    }

    [Fact]
    public void What_a_killed_process_left_is_put_right()
    {
        _workplace.Run($"{Small} --out whole");
        _workplace.Run($"{Small} --out run", interruptAt: "epoch 1/3");
        string folder = _workplace["work/run"];
        File.AppendAllText(Path.Combine(folder, "metrics.csv"), "2,0.02,1.5,");
        File.WriteAllText(Path.Combine(folder, "model.safetensors.abc.partial"), "");
        File.WriteAllText(Path.Combine(folder, "checkpoints/epoch-0001-step-000002.safetensors.abc.partial"), "");

        Assert.Equal(0, _workplace.Run("train --resume run").Code);

        RequireSame("whole", "run");
        Assert.DoesNotContain(
            Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories),
            file => file.EndsWith(".partial", StringComparison.Ordinal));
    }

    // The rule follows from the configuration; a checkpoint names the rule that it was trained with.
    [Theory]
    [InlineData("\"passes\": 1", "\"passes\": 2", "2 passes")]
    [InlineData("\"perturbation\": \"gaussian\"", "\"perturbation\": \"rademacher\"", "Rademacher noise on activities")]
    [InlineData("\"rule\": \"LG-FG-A\"", "\"rule\": \"LG-BP\"", "Backpropagation, of LocalLossesWithinBlock")]
    public void Another_learning_rule_than_that_of_the_checkpoint_is_refused(string was, string @is, string named)
    {
        _workplace.Run($"{Small} --out run", interruptAt: "epoch 1/3");
        string config = _workplace["work/run/config.json"], text = File.ReadAllText(config);
        Assert.Contains(was, text);
        File.WriteAllText(config, text.Replace(was, @is, StringComparison.Ordinal));

        Workplace.Result resumed = _workplace.Run("train --resume run");

        Assert.Equal(2, resumed.Code);
        Assert.Contains(
            "of another run: its learning rule is ForwardGradient, Gaussian noise on activities, 1 pass, ",
            Assert.Single(resumed.ErrorLines));
        Assert.Contains(named, resumed.Error);
    }

    [Fact]
    public void A_run_without_a_checkpoint_starts_from_its_beginning()
    {
        _workplace.Run($"{Small} --out whole");
        _workplace.Run($"{Small} --out run", interruptAt: "training");
        Directory.Delete(_workplace["work/run/checkpoints"], recursive: true);

        Workplace.Result resumed = _workplace.Run("train --resume run");

        Assert.Equal($"going on with S/1/1 in {_workplace["work/run"]} from its beginning", resumed.ErrorLines[0]);
        RequireSame("whole", "run");
    }

    [Fact]
    public void Behind_a_damaged_checkpoint_the_one_before_is_taken()
    {
        _workplace.Run($"{Small} --out whole");
        _workplace.Run($"{Small} --out run", interruptAt: "epoch 2/3");
        string newest = _workplace["work/run/checkpoints/epoch-0002-step-000000.safetensors"];
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[^5] ^= 1;
        File.WriteAllBytes(newest, bytes);

        Workplace.Result resumed = _workplace.Run("train --resume run");

        Assert.Equal(0, resumed.Code);
        Assert.Equal(
            $"onward: going on from an earlier checkpoint, because the newest is not intact: {newest}: damaged: "
            + "its bytes do not match their checksum. Replace it with an intact copy.",
            resumed.ErrorLines[0]);
        Assert.EndsWith(" after epoch 1 of 3", resumed.ErrorLines[1]);
        RequireSame("whole", "run");
    }

    // A link that leads nowhere cannot be read by anybody, while root may read every file.
    [Fact]
    public void A_checkpoint_that_cannot_be_read_stops_the_resumption_and_stays()
    {
        _workplace.Run($"{Small} --out whole");
        _workplace.Run($"{Small} --out run", interruptAt: "epoch 2/3");
        string newest = _workplace["work/run/checkpoints/epoch-0002-step-000000.safetensors"], away = _workplace["work/away"];
        File.Move(newest, away);
        File.CreateSymbolicLink(newest, _workplace["absent"]);

        _workplace.Refuse(
            "train --resume run",
            $"{newest}: no such file. Check the path. "
            + "To resume from an earlier checkpoint, move this one elsewhere.");

        File.Move(away, newest, overwrite: true);
        if (!OperatingSystem.IsWindows() && Environment.UserName != "root")
        {
            File.SetUnixFileMode(newest, UnixFileMode.None);
            _workplace.Refuse(
                "train --resume run",
                $"{newest}: access denied, or not a file. Check its permissions. "
                + "To resume from an earlier checkpoint, move this one elsewhere.");
            File.SetUnixFileMode(newest, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        Assert.Equal(0, _workplace.Run("train --resume run").Code);
        RequireSame("whole", "run");
    }

    [Theory]
    [InlineData("checkpoints")]
    [InlineData(".lock")]
    public void A_link_in_place_of_what_a_run_writes_is_refused(string name)
    {
        _workplace.Run($"{Small} --out run", interruptAt: "epoch 1/3");
        string link = _workplace[$"work/run/{name}"], elsewhere = _workplace["work/elsewhere"];
        Directory.CreateDirectory(elsewhere);
        string target = Path.Combine(elsewhere, name);
        if (name == "checkpoints")
        {
            Directory.Move(link, target);
            File.WriteAllText(Path.Combine(target, "mine.partial"), "");
        }
        else
        {
            File.Delete(link);
        }

        File.CreateSymbolicLink(link, target);

        _workplace.Refuse("train --resume run", $"{link} is a symbolic link to {target}; a run keeps its files in its own folder");
    }

    [Theory]
    [InlineData("epoch,learning_rate\n1,x\n")]
    [InlineData("")]
    public void Damaged_measurements_are_made_again_from_the_checkpoint(string damage)
    {
        _workplace.Run($"{Small} --out whole");
        _workplace.Run($"{Small} --out stopped", interruptAt: "epoch 2/3");
        _workplace.Run($"{Small} --out ended");
        foreach (string run in new[] { "stopped", "ended" })
        {
            string path = _workplace[$"work/{run}/metrics.csv"];
            File.WriteAllText(path, damage);

            string told = Assert.Single(_workplace.Run($"runs {_workplace["work"]}").ErrorLines);
            Assert.StartsWith($"onward: {path}: damaged", told);
            Assert.EndsWith($" Make it again from the last checkpoint by 'onward train --resume {_workplace[$"work/{run}"]}'.", told);
            Assert.Equal(0, _workplace.Run($"train --resume {run}").Code);

            RequireSame("whole", run);
        }
    }

    // What is there after each thing that a process does which makes a folder, the last but one without the configuration's name.
    [Fact]
    public void A_folder_whose_making_was_cut_short_is_taken_by_out_or_by_resume()
    {
        _workplace.Run($"{Small} --out whole");
        string folder = _workplace["work/run"], configuration = File.ReadAllText(_workplace["work/whole/config.json"]);
        Action[] doings =
        [
            () => Directory.CreateDirectory(folder),
            () => File.WriteAllText(Path.Combine(folder, ".lock"), ""),
            () => Directory.CreateDirectory(Path.Combine(folder, "checkpoints")),
            () => File.WriteAllText(Path.Combine(folder, "config.json.abc.partial"), configuration[..20]),

            // What a run begins with that goes on from an epoch of another.
            () => File.Copy(
                _workplace["work/whole/checkpoints/epoch-0003-step-000000.safetensors"],
                Path.Combine(folder, "checkpoints/epoch-0003-step-000000.safetensors"),
                overwrite: true),
        ];
        for (int done = 1; done <= doings.Length; done++)
        {
            Assert.All(doings[..done], doing => doing());
            Assert.Equal(0, _workplace.Run($"{Small} --out run").Code);
            RequireSame("whole", "run");
            Directory.Delete(folder, recursive: true);
        }

        Assert.All(doings[..3], doing => doing());
        File.WriteAllText(Path.Combine(folder, "config.json"), configuration);
        Assert.Contains("resumable", _workplace.Run("runs .").Out);
        _workplace.Refuse($"{Small} --out run", $"holds a run that has not ended. Go on with it by 'onward train --resume {folder}'");
        Assert.Equal(0, _workplace.Run("train --resume run").Code);
        RequireSame("whole", "run");
    }

    [Fact]
    public void A_folder_whose_making_was_cut_short_is_no_reason_for_another_name()
    {
        string folder = _workplace["work/runs/mnist-S-1-1-LG-FG-A-seed1"];
        Directory.CreateDirectory(Path.Combine(folder, "checkpoints"));

        Assert.Contains(folder, _workplace.Run(Small).OutLines[^1]);
        Assert.Equal([folder], Directory.GetDirectories(_workplace["work/runs"]));
    }

    [Fact]
    public void A_run_that_has_ended_says_so_and_shows_what_it_came_to()
    {
        Workplace.Result trained = _workplace.Run($"{Small} --out run --json");
        byte[] model = File.ReadAllBytes(_workplace["work/run/model.safetensors"]);

        Workplace.Result table = _workplace.Run("train --resume run"), json = _workplace.Run("train --resume run --json");

        Assert.Equal((0, 0), (table.Code, json.Code));
        Assert.Equal($"onward: {_workplace["work/run"]} has already ended; this is its result.", Assert.Single(table.ErrorLines));
        Assert.Equal((double)JsonNode.Parse(trained.Out)!["testError"]!, (double)JsonNode.Parse(json.Out)!["testError"]!);
        Assert.Equal(model, File.ReadAllBytes(_workplace["work/run/model.safetensors"]));
    }

    [Fact]
    public void A_run_that_diverged_says_so()
    {
        _workplace.Run($"{Small} --out run --lr 1e38 --schedule constant --warmup-epochs 0");

        Workplace.Result again = _workplace.Run("train --resume run");

        Assert.Equal(3, again.Code);
        Assert.StartsWith($"onward: {_workplace["work/run"]} has already ended: Training diverged", Assert.Single(again.ErrorLines));
    }

    [Theory]
    [InlineData("--lr 0.02", "--lr cannot be given with --resume: a run keeps the options that it was started with")]
    [InlineData("--batch-size 8", "--batch-size cannot be given with --resume")]
    [InlineData("--seed 1", "--seed cannot be given with --resume")]
    [InlineData("--overlap", "--overlap cannot be given with --resume")]
    [InlineData("--out other", "--out cannot be given with --resume")]
    [InlineData("--keep 0", "--keep must be a whole number, 1 or more; got '0'")]
    [InlineData("--checkpoint-minutes -1", "--checkpoint-minutes must be a number from 0 to 100000; got '-1'")]
    [InlineData("--data {path}/absent", "no such folder. Name the folder with the files of mnist")]
    public void What_would_change_the_run_is_refused(string options, string expected)
    {
        _workplace.Run($"{Small} --out run", interruptAt: "epoch 1/3");

        _workplace.Refuse($"train --resume run {options}", expected);
    }

    [Fact]
    public void Other_data_and_another_configuration_are_refused()
    {
        _workplace.Run($"{Small} --out run", interruptAt: "epoch 1/3");
        using Workplace larger = new(trainingImages: 80);
        string configuration = _workplace["work/run/config.json"], text = File.ReadAllText(configuration);

        _workplace.Refuse(
            $"train --resume run --data {larger.Data}",
            "was begun with trainingImages 64, but now trainingImages is 80. Name the data that it was begun with by --data");
        foreach ((string from, string to, string expected) in new[]
        {
            ("\"seed\": 1", "\"seed\": 2", "of another run: its training has seed 1, the run has 2"),
            ("\"S/1/1\"", "\"M/1/16\"", "was begun with parameters 271892, but now parameters is 429076"),
            ("\"gaussian\"", "\"gauss\"", $"{configuration}: damaged"),
            ("\"LG-FG-A\"", "\"XY\"", $"{configuration}: damaged"),
        })
        {
            File.WriteAllText(configuration, text.Replace(from, to, StringComparison.Ordinal));
            _workplace.Refuse("train --resume run", expected);
        }
    }

    [Fact]
    public void Other_pixels_under_the_same_labels_are_refused()
    {
        _workplace.Run($"{Small} --out run", interruptAt: "epoch 1/3");
        string images = Path.Combine(_workplace.Data, "train-images-idx3-ubyte");
        byte[] pixels = File.ReadAllBytes(images), shuffled = [.. pixels[..16], .. pixels[(16 + 784)..], .. pixels[16..(16 + 784)]];
        File.WriteAllBytes(images, shuffled);

        _workplace.Refuse(
            "train --resume run", "run was begun with other images: pixels differ. Name the data that it was begun with by --data.");

        File.WriteAllBytes(images, pixels);
        Assert.Equal(0, _workplace.Run("train --resume run").Code);
    }

    [Fact]
    public void Where_there_is_nothing_to_go_on_with_is_told_in_one_line()
    {
        _workplace.Run($"{Small} --out run", interruptAt: "epoch 1/3");
        _workplace.Refuse("train --resume absent", "absent: no such folder. Name the folder of a run");
        _workplace.Refuse("train --resume {data}", "no config.json in it");
        string[] checkpoints = Directory.GetFiles(_workplace["work/run/checkpoints"]);
        Assert.All(checkpoints, path => File.WriteAllBytes(path, File.ReadAllBytes(path)[..3000]));
        _workplace.Refuse("train --resume run", $"work/run/checkpoints: none of {checkpoints.Length} checkpoints is intact; the newest: ");
        Assert.All(checkpoints, File.Delete);
        _workplace.Refuse("train --resume run", "no checkpoint to go on from, though 1 epoch has ended. Train it again in another folder");
    }

    [Fact]
    public void A_run_that_can_go_on_is_not_passed_over_in_silence()
    {
        _workplace.Run(Small, interruptAt: "epoch 1/3");
        string folder = _workplace["work/runs/mnist-S-1-1-LG-FG-A-seed1"];

        Workplace.Result another = _workplace.Run(Small);

        _workplace.Refuse(
            $"{Small} --out {folder}",
            $"holds a run that has not ended. Go on with it by 'onward train --resume {folder}', or name another folder");
        Assert.Equal(
            $"onward: {folder} holds an unfinished run with these options; 'onward train --resume {folder}' resumes it. This is a new run.",
            another.ErrorLines[0]);
        Assert.Contains($"{folder}-2", another.OutLines[^1]);
    }

    [Fact]
    public void A_comparison_does_not_train_over_a_run_that_can_go_on()
    {
        _workplace.Run($"{Small} --rule BP --out c/BP-seed1", interruptAt: "epoch 1/3");

        _workplace.Refuse(
            "compare --data {data} --model S/1/1 --batch-size 16 --epochs 3 --rules BP --seeds 1 --out c",
            "c/BP-seed1 holds a run with checkpoints that has not ended. Go on with it by 'onward train --resume ");
    }

    public void Dispose() => _workplace.Dispose();

    private void RequireSame(string whole, string run)
    {
        Assert.Equal(
            File.ReadAllBytes(_workplace[$"work/{whole}/model.safetensors"]),
            File.ReadAllBytes(_workplace[$"work/{run}/model.safetensors"]));
        Assert.Equal(_workplace.Measurements(whole), _workplace.Measurements(run));
        JsonNode a = Result(whole), b = Result(run);
        Assert.Equal(((double)a["trainError"]!, (double)a["testError"]!), ((double)b["trainError"]!, (double)b["testError"]!));

        JsonNode Result(string folder) => JsonNode.Parse(File.ReadAllText(_workplace[$"work/{folder}/result.json"]))!;
    }
}
