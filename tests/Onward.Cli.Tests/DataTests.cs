using System.Text.Json;

namespace Onward.Cli.Tests;

public sealed class DataTests : IDisposable
{
    private readonly Workplace _workplace = new();

    [Fact]
    public void List_shows_every_data_set_and_where_it_was_looked_for()
    {
        CopyToCache();

        Workplace.Result result = _workplace.Run("data list");

        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.Equal(["name", "mnist", "fashion-mnist", "cifar-10", "digits", "idx"], result.OutLines.Select(line => line.Split(' ')[0]));
        Assert.EndsWith(_workplace["cache"], result.OutLines[1]);
        Assert.EndsWith($"no; looked in {_workplace["cifar-cache"]}", result.OutLines[3]);
        JsonElement json = JsonDocument.Parse(_workplace.Run("data list --json").Out).RootElement;
        Assert.Equal(_workplace["cache"], json[0].GetProperty("found").GetString());
        Assert.Equal(JsonValueKind.Null, json[2].GetProperty("found").ValueKind);
    }

    [Fact]
    public void Info_counts_the_images_of_each_class()
    {
        JsonElement json = JsonDocument.Parse(_workplace.Run("data info mnist --data {data} --json").Out).RootElement;

        Assert.Equal((Workplace.TrainingImages, Workplace.TestImages), (json.GetProperty("trainingImages").GetInt32(), json.GetProperty("testImages").GetInt32()));
        JsonElement[] classes = [.. json.GetProperty("classes").EnumerateArray()];
        Assert.Equal((10, Workplace.TrainingImages), (classes.Length, classes.Sum(one => one.GetProperty("train").GetInt32())));
        Assert.Contains("0.1307", _workplace.Run("data info mnist --data {data}").Out);
        Assert.Contains("drawn by this program", _workplace.Run("data info digits").Out);
        Assert.Equal(0, _workplace.Run("data info idx --data {data}").Code);
    }

    [Fact]
    public void Verify_ends_with_code_2_where_a_file_is_not_the_published_one()
    {
        File.Delete(Path.Combine(_workplace.Data, "t10k-labels-idx1-ubyte"));

        Workplace.Result result = _workplace.Run("data verify mnist --data {data}");

        Assert.Equal(2, result.Code);
        Assert.Matches("^train-images-idx3-ubyte.gz +differs$", result.OutLines[0]);
        Assert.Matches("^t10k-labels-idx1-ubyte.gz +missing$", result.OutLines[3]);
        Assert.All(_workplace.Run("data verify cifar-10").OutLines, line => Assert.EndsWith("missing", line));
    }

    [Fact]
    public void Download_says_that_nothing_was_to_do()
    {
        CopyToCache();

        Assert.Contains("complete already", _workplace.Run("data download mnist").Out);
        Assert.Contains("\"downloaded\":[]", _workplace.Run("data download mnist --json").Out);
    }

    [Theory]
    [InlineData("data info cifar-10", "cifar-10 is not on this machine. Fetch it with 'onward data download cifar-10'")]
    [InlineData("data info minst", "NAME knows no 'minst'")]
    [InlineData("data verify digits", "NAME knows no 'digits'")]
    [InlineData("data info idx", "needs --data")]
    [InlineData("data info mnist --data {path}/absent", "no such folder")]
    [InlineData("data download fashion-mnist", "could not be downloaded")]
    [InlineData("train --dataset idx", "needs --data")]
    public void What_cannot_be_done_is_told_in_one_line(string command, string expected) => _workplace.Refuse(command, expected);

    [Fact]
    public void Own_idx_files_train_a_model_that_can_be_measured_again()
    {
        Assert.Equal(0, _workplace.Run("train --dataset idx --data {data} --model S/1/1 --epochs 1 --batch-size 32 --out run").Code);

        Assert.Equal(0, _workplace.Run("eval --run run").Code);
    }

    public void Dispose() => _workplace.Dispose();

    private void CopyToCache()
    {
        Directory.CreateDirectory(_workplace["cache"]);
        foreach (string file in Directory.GetFiles(_workplace.Data))
        {
            File.Copy(file, Path.Combine(_workplace["cache"], Path.GetFileName(file)));
        }
    }
}
