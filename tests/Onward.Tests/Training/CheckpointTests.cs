using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Onward.Data;
using Onward.Formats;
using Onward.Tests.Data;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_checkpoint_comes_back_as_it_was()
    {
        float[] values = [], velocity = [];
        _ = new TrainedRun("supervised sgd", stopAfterSteps: 7, keep: checkpoint =>
        {
            checkpoint.Save(_folder["run"]);
            (values, velocity) = ([.. checkpoint.Model.Values.All], [.. checkpoint.Velocity.All]);
        });

        Checkpoint read = Checkpoint.Load(_folder["run"]);

        Assert.Equal(values, read.Model.Values.All);
        Assert.Equal(velocity, read.Velocity.All);
        Assert.Contains(velocity, v => v != 0);
        Assert.Equal((1, 2, 0), (read.Epochs.Count, read.Step, read.ReadoutStep));
    }

    // Measurements that are not finite numbers must be stored without change.
    [Fact]
    public void Measurements_that_are_no_numbers_come_back()
    {
        Checkpoint? kept = null;
        _ = new TrainedRun("supervised sgd", stopAfterSteps: 0, keep: checkpoint => kept = checkpoint);
        kept!.State.Epochs.Add(
            new EpochMetrics(
                1, 0.1, [double.NaN, 1], double.PositiveInfinity, 2, double.NaN, 3, double.PositiveInfinity, TimeSpan.FromTicks(3)));

        kept.Save(_folder["run"]);

        EpochMetrics read = Checkpoint.Load(_folder["run"]).Epochs[0];
        Assert.Equal([double.NaN, 1], read.BlockLosses);
        Assert.Equal(
            (double.PositiveInfinity, double.NaN, double.PositiveInfinity, 3),
            (read.TrainLoss, read.TestLoss, read.ImagesPerSecond, read.Elapsed.Ticks));
    }

    [Fact]
    public void The_names_are_those_of_a_model_file_beside_velocities()
    {
        Save();

        string text = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(_folder["run"]));

        Assert.Contains("\"blocks.1.token.weight\":{\"dtype\":\"F32\"", text);
        Assert.Contains("\"velocity.blocks.1.token.weight\":{\"dtype\":\"F32\"", text);
        Assert.Throws<ModelFileException>(() => ModelFile.Load(_folder["run"]));
    }

    // In the length, the header, the checksum itself, the state, the padding and the numbers.
    [Fact]
    public void A_flipped_bit_is_found_wherever_it_is()
    {
        Save();
        byte[] intact = File.ReadAllBytes(_folder["run"]);
        int header = BitConverter.ToInt32(intact) + 8;
        for (int i = 0; i < intact.Length; i += i < header + 8 ? 1 : 997)
        {
            byte[] damaged = [.. intact];
            damaged[i] ^= (byte)(1 << (i % 8));
            Refuse(damaged);
        }
    }

    [Fact]
    public void A_truncated_or_a_longer_file_is_found()
    {
        Save();
        byte[] intact = File.ReadAllBytes(_folder["run"]);
        foreach (int length in new[] { 0, 1, 8, 100, intact.Length / 2, intact.Length - 1 })
        {
            Refuse(intact[..length]);
        }

        Refuse([.. intact, 0]);
    }

    [Fact]
    public void A_newer_version_is_told_apart_from_damage()
    {
        _ = new TrainedRun(
            "supervised sgd", stopAfterSteps: 0, keep: checkpoint => checkpoint.Save(_folder["run"], Checkpoint.FileVersion + 1));

        ModelFileException fault = Assert.Throws<ModelFileException>(() => Checkpoint.Load(_folder["run"]));

        Assert.True(fault.IsOfNewerVersion);
        Assert.Equal(
            $"{_folder["run"]}: a checkpoint of version 4; this program reads up to 3. "
            + "Resume with the version of Onward that wrote it, or a newer one.",
            fault.Message);
    }

    [Fact]
    public void A_model_is_no_checkpoint()
    {
        ModelFile.Save(new TrainedRun("supervised sgd", stopAfterSteps: 0).Model, _folder["model"]);

        Assert.Contains(
            "no checkpoint (onward.checkpoint) in the metadata",
            Assert.Throws<ModelFileException>(() => Checkpoint.Load(_folder["model"])).Message);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    public void An_epoch_without_measurements_is_damage_whatever_the_checksum(string epoch)
    {
        Save();

        Refuse(Rewrite(
            metadata =>
            {
                JsonNode content = JsonNode.Parse((string)metadata["onward.checkpoint"]!)!;
                content["state"]!["epochs"] = new JsonArray(JsonNode.Parse(epoch));
                metadata["onward.checkpoint"] = content.ToJsonString();
            },
            SafetensorsWriter.ChecksumKey,
            file => Checksum.Of(file)));

        Assert.Contains(
            "the checkpoint in the metadata is damaged",
            Assert.Throws<ModelFileException>(() => Checkpoint.Load(_folder["damaged"])).Message);
    }

    // Version 0.1 used SHA-256 for the checksum of the file and for the identity of the images.
    [Fact]
    public void A_checkpoint_of_version_0_1_is_checked_and_gone_on_with()
    {
        const string Rule = "supervised sgd";
        Save();
        byte[] old = Rewrite(
            metadata =>
            {
                JsonNode content = JsonNode.Parse((string)metadata["onward.checkpoint"]!)!;
                content["images"] = ImagesOfVersion01(TrainedRun.Digits());
                metadata["onward.checkpoint"] = content.ToJsonString();
            },
            "onward.sha256",
            file => Convert.ToHexStringLower(SHA256.HashData(file)));
        File.WriteAllBytes(_folder["old"], old);

        new TrainedRun(Rule).RequireSame(new TrainedRun(Rule, from: Checkpoint.Load(_folder["old"])));
        old[^1] ^= 1;
        Refuse(old);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_leaves_nothing()
    {
        Directory.CreateDirectory(_folder["run"]);

        Assert.ThrowsAny<Exception>(Save);

        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();

    private void Save() => _ = new TrainedRun("supervised sgd", stopAfterSteps: 0, keep: checkpoint => checkpoint.Save(_folder["run"]));

    private static string ImagesOfVersion01(ImageDataset data)
    {
        List<byte> named = [];
        foreach (ImageSet images in new[] { data.Training, data.Test })
        {
            int[] sizes = [images.Count, images.Height, images.Width, images.Channels, images.Classes];
            named.AddRange(MemoryMarshal.AsBytes(sizes.AsSpan()));
            named.AddRange(MemoryMarshal.AsBytes(images.Labels.Span));
        }

        named.AddRange(MemoryMarshal.AsBytes(data.Mean.AsSpan()));
        named.AddRange(MemoryMarshal.AsBytes(data.StandardDeviation.AsSpan()));
        return Convert.ToHexStringLower(SHA256.HashData(named.ToArray()));
    }

    // Returns the saved file with changed metadata and a corrected checksum.
    private byte[] Rewrite(Action<JsonObject> change, string key, Func<byte[], string> takeChecksum)
    {
        byte[] file = File.ReadAllBytes(_folder["run"]);
        int header = BitConverter.ToInt32(file);
        JsonNode root = JsonNode.Parse(file.AsSpan(8, header))!;
        JsonObject metadata = root["__metadata__"]!.AsObject();
        change(metadata);
        string blank = new('0', takeChecksum([]).Length);
        metadata.Remove(SafetensorsWriter.ChecksumKey);
        metadata[key] = blank;
        byte[] changed = [.. new byte[8], .. Encoding.UTF8.GetBytes(root.ToJsonString()), .. file[(8 + header)..]];
        BitConverter.TryWriteBytes(changed, changed.LongLength - 8 - (file.Length - 8 - header));
        Encoding.ASCII.GetBytes(takeChecksum(changed), changed.AsSpan(changed.AsSpan().IndexOf(Encoding.ASCII.GetBytes(blank))));
        return changed;
    }

    private void Refuse(byte[] bytes)
    {
        File.WriteAllBytes(_folder["damaged"], bytes);
        ModelFileException fault = Assert.Throws<ModelFileException>(() => Checkpoint.Load(_folder["damaged"]));
        Assert.StartsWith(_folder["damaged"], fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
        Assert.False(fault.IsOfNewerVersion);
    }
}
